package packet

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// alarm wakes a goroutine at a given time. On Linux it is a timerfd(2) read
// through the runtime's poller: the poller rounds the waits of Go timers to
// milliseconds, a timerfd interrupts it within some 50 µs.
type alarm struct {
	file *os.File
	fd   int // of file; valid until close
}

func newAlarm() (*alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	return &alarm{os.NewFile(uintptr(fd), "timerfd"), fd}, nil
}

// set makes wait return after d, in place of what was set before. It must not
// be called after close.
func (a *alarm) set(d time.Duration) {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(d, 1)))}
	// It can only fail for a bad descriptor or time, and neither is.
	_ = unix.TimerfdSettime(a.fd, 0, &spec, nil)
}

// wait blocks until the alarm goes off, and returns false when it is closed.
func (a *alarm) wait() bool {
	var count [8]byte
	_, err := a.file.Read(count[:])
	return err == nil
}

func (a *alarm) close() { a.file.Close() }
