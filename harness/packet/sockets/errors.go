package sockets

import (
	"errors"
	"os"
	"syscall"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// sysError turns an error of gVisor into what package net would return: the
// error number of the system call, so that errors.Is and Timeout work.
func sysError(call string, err tcpip.Error) error {
	var n syscall.Errno
	switch err.(type) {
	case *tcpip.ErrConnectionRefused:
		n = syscall.ECONNREFUSED
	case *tcpip.ErrConnectionReset, *tcpip.ErrConnectionAborted, *tcpip.ErrAborted:
		n = syscall.ECONNRESET
	case *tcpip.ErrClosedForSend:
		n = syscall.EPIPE
	case *tcpip.ErrNotConnected:
		n = syscall.ENOTCONN
	case *tcpip.ErrTimeout:
		n = syscall.ETIMEDOUT
	case *tcpip.ErrPortInUse:
		n = syscall.EADDRINUSE
	case *tcpip.ErrNoPortAvailable, *tcpip.ErrBadLocalAddress:
		n = syscall.EADDRNOTAVAIL
	case *tcpip.ErrHostUnreachable:
		n = syscall.EHOSTUNREACH
	case *tcpip.ErrMessageTooLong:
		n = syscall.EMSGSIZE
	case *tcpip.ErrDestinationRequired:
		n = syscall.EDESTADDRREQ
	case *tcpip.ErrNetworkUnreachable:
		n = syscall.ENETUNREACH
	default:
		return os.NewSyscallError(call, errors.New(err.String()))
	}
	return os.NewSyscallError(call, n)
}
