package socket

import (
	"context"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/simnet/events"
	"github.com/onebar/onebar/harness/simnet/tcp"
)

// Stream is a net.Conn over one end of a TCP connection. It behaves like *net.TCPConn, with
// its CloseWrite, SetKeepAlive and SetLinger.
type Stream struct {
	Base
	// TCP is the end. Whoever calls its methods that take the present calls Rearm.
	TCP tcp.Conn

	sendBuffer int
	noLinger   bool // SetLinger(0)
}

// Init makes s a socket, whose Number, Local and Remote are set. SendBuffer is how many bytes
// may be written and not be acknowledged.
func (s *Stream) Init(l *events.Loop, o tcp.Owner, t tcp.Settings, sendBuffer int) {
	s.init(l, "tcp", s, s.expire)
	s.Run = s.Serve
	s.sendBuffer = sendBuffer
	s.TCP.Init(o, t)
}

// Serve does what the application has asked for.
func (s *Stream) Serve() {
	s.TCP.Serve(s.loop.At())
	s.Rearm()
}

func (s *Stream) expire() {
	s.late()
	s.TCP.Expire(s.loop.At())
	s.Rearm()
}

// Rearm sets the timer to the next thing that has a time.
func (s *Stream) Rearm() {
	if !s.TCP.Gone() {
		s.loop.Set(&s.timer, min(s.TCP.Next(), s.deadline()))
	}
}

// Ended stops the timer of a connection that is over, and wakes all.
func (s *Stream) Ended() {
	s.loop.Set(&s.timer, access.Never)
	s.Wake()
}

// WriterWaits reports whether a goroutine waits until it may write.
func (s *Stream) WriterWaits() bool { return s.writers > 0 }

// HasRoom reports whether something may be written. A connection that is over takes all.
func (s *Stream) HasRoom() bool { return s.TCP.Gone() || s.TCP.Buffered() < s.sendBuffer }

// Put writes bytes, as many as there are.
func (s *Stream) Put(b []byte) {
	s.TCP.Write(b)
	s.loop.Mark(&s.Task)
}

// Get reads the bytes that have arrived, at most len(b).
func (s *Stream) Get(b []byte) int {
	n, serve := s.TCP.Read(b)
	if serve {
		s.loop.Mark(&s.Task)
	}
	return n
}

// EndWrite ends the outgoing stream.
func (s *Stream) EndWrite() {
	s.TCP.CloseWrite()
	s.ask()
}

// Release closes the connection as tcp.Conn.Close does.
func (s *Stream) Release(reset bool) {
	s.closed = true
	s.TCP.Close(reset)
	s.ask()
}

// ask asks for service, unless the connection is over.
func (s *Stream) ask() {
	if !s.TCP.Gone() {
		s.loop.Mark(&s.Task)
	}
}

// Await waits until a dial is over: the connection is open, or it or ctx has failed.
func (s *Stream) Await(ctx context.Context) error {
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() {
			s.loop.Lock()
			defer s.loop.Unlock()
			s.Wake()
		})
		defer stop()
	}
	for s.TCP.Dialing() && ctx.Err() == nil {
		s.change.Wait()
	}
	switch {
	case s.TCP.Failure() != nil:
		return os.NewSyscallError("connect", s.TCP.Failure())
	case s.TCP.Dialing() || s.TCP.Gone():
		s.TCP.Abandon()
		s.loop.Mark(&s.Task)
		return ctx.Err()
	}
	return nil
}

// Read implements net.Conn.
func (s *Stream) Read(b []byte) (int, error) {
	s.loop.Lock()
	defer s.loop.Unlock()
	for {
		switch {
		case s.closed:
			return 0, s.opError("read", net.ErrClosed)
		case len(b) == 0:
			return 0, nil
		case s.passed(s.readBy):
			return 0, s.opError("read", os.ErrDeadlineExceeded)
		case s.TCP.Unread() > 0:
			return s.Get(b), nil
		case s.TCP.PeerEnded():
			return 0, io.EOF
		case s.TCP.Gone():
			return 0, s.broken("read")
		}
		s.wait(&s.readers, s.readBy)
	}
}

// Write implements net.Conn. It does not wait for the network unless the send buffer is full.
func (s *Stream) Write(b []byte) (int, error) {
	s.loop.Lock()
	defer s.loop.Unlock()
	for done := 0; ; {
		switch {
		case s.closed:
			return done, s.opError("write", net.ErrClosed)
		case s.passed(s.writeBy):
			return done, s.opError("write", os.ErrDeadlineExceeded)
		case s.TCP.Gone() || s.TCP.WriteEnded():
			return done, s.broken("write")
		case done == len(b):
			return done, nil
		}
		if room := s.sendBuffer - s.TCP.Buffered(); room > 0 {
			n := min(room, len(b)-done)
			s.Put(b[done : done+n])
			if done += n; done == len(b) {
				return done, nil
			}
			continue
		}
		s.wait(&s.writers, s.writeBy)
	}
}

// broken is the error of an operation on a connection that is over, or whose
// stream the application has ended.
func (s *Stream) broken(op string) error {
	err := s.TCP.Failure()
	if err == nil {
		err = syscall.EPIPE
		if op == "read" {
			err = syscall.ECONNRESET
		}
	}
	return s.sysError(op, op, err)
}

// Close implements net.Conn. The stream ends in order, in the background; if data
// has come that nobody has read, or after SetLinger(0), by a reset.
func (s *Stream) Close() error {
	s.loop.Lock()
	defer s.loop.Unlock()
	if s.closed {
		return s.opError("close", net.ErrClosed)
	}
	s.Release(s.noLinger)
	s.Wake()
	return nil
}

// CloseWrite ends the outgoing stream. It fails if the connection is broken.
func (s *Stream) CloseWrite() error {
	s.loop.Lock()
	defer s.loop.Unlock()
	switch {
	case s.closed:
		return s.opError("close", net.ErrClosed)
	case s.TCP.Failure() != nil:
		return s.broken("shutdown")
	}
	s.EndWrite()
	return nil
}

// SetKeepAlive turns keepalives on, as they are at first, or off.
func (s *Stream) SetKeepAlive(on bool) error {
	return s.set(func() {
		s.TCP.SetKeepAlive(s.loop.Clock(), on)
		s.Rearm()
		s.loop.Rearm()
	})
}

// SetLinger makes Close a reset if seconds is 0. Any other value is the default:
// Close ends the stream in order, in the background.
func (s *Stream) SetLinger(seconds int) error {
	return s.set(func() { s.noLinger = seconds == 0 })
}

// SetNoDelay exists for code that expects a *net.TCPConn: data is never delayed.
func (s *Stream) SetNoDelay(bool) error { return s.set(func() {}) }
