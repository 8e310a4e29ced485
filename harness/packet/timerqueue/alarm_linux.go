package timerqueue

import (
	"os"
	"syscall"
	"time"
	"unsafe"
)

// alarm wakes a goroutine at a given time. On Linux it is a timerfd(2) read
// through the runtime's poller. The poller rounds the waits of Go timers to
// milliseconds, so they are late by 0.5 ms at the median on an idle machine; a
// timerfd interrupts it within some 50 µs.
type alarm struct {
	file *os.File
	fd   uintptr // of file; valid until close
}

// itimerspec is struct itimerspec of timerfd_settime(2).
type itimerspec struct{ interval, value syscall.Timespec }

// The flags of timerfd_create(2), and its clock that never jumps.
const (
	timerfdFlags   = syscall.O_NONBLOCK | syscall.O_CLOEXEC
	clockMonotonic = 1
)

func newAlarm() (*alarm, error) {
	fd, _, errno := syscall.Syscall(syscall.SYS_TIMERFD_CREATE, clockMonotonic, timerfdFlags, 0)
	if errno != 0 {
		return nil, os.NewSyscallError("timerfd_create", errno)
	}
	return &alarm{os.NewFile(fd, "timerfd"), fd}, nil
}

// set makes wait return after d, in place of what was set before. It must not
// be called after close.
func (a *alarm) set(d time.Duration) {
	spec := itimerspec{value: syscall.NsecToTimespec(int64(max(d, 1)))}
	// It can fail only for a bad descriptor or time, and these are neither.
	_, _, _ = syscall.Syscall6(syscall.SYS_TIMERFD_SETTIME, a.fd, 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
}

// wait blocks until the alarm goes off, and returns false when it is closed.
func (a *alarm) wait() bool {
	var count [8]byte
	_, err := a.file.Read(count[:])
	return err == nil
}

func (a *alarm) close() { a.file.Close() }
