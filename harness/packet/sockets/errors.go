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
	if n, ok := errno(err); ok {
		return os.NewSyscallError(call, n)
	}
	return os.NewSyscallError(call, errors.New(err.String()))
}

func errno(err tcpip.Error) (syscall.Errno, bool) {
	switch err.(type) {
	case *tcpip.ErrConnectionRefused:
		return syscall.ECONNREFUSED, true
	case *tcpip.ErrConnectionReset, *tcpip.ErrConnectionAborted, *tcpip.ErrAborted:
		return syscall.ECONNRESET, true
	case *tcpip.ErrClosedForSend:
		return syscall.EPIPE, true
	case *tcpip.ErrNotConnected:
		return syscall.ENOTCONN, true
	case *tcpip.ErrTimeout:
		return syscall.ETIMEDOUT, true
	case *tcpip.ErrPortInUse:
		return syscall.EADDRINUSE, true
	case *tcpip.ErrNoPortAvailable, *tcpip.ErrBadLocalAddress:
		return syscall.EADDRNOTAVAIL, true
	case *tcpip.ErrHostUnreachable:
		return syscall.EHOSTUNREACH, true
	case *tcpip.ErrMessageTooLong:
		return syscall.EMSGSIZE, true
	case *tcpip.ErrDestinationRequired:
		return syscall.EDESTADDRREQ, true
	case *tcpip.ErrNetworkUnreachable:
		return syscall.ENETUNREACH, true
	default:
		return 0, false
	}
}
