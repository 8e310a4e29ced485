package noise

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/onebar/onebar/reference/channel"
	"github.com/onebar/onebar/reference/wire"
)

const (
	prefixSize = 2     // bytes of a frame's length
	maxFrame   = 65535 // bytes of a Noise message, by its specification
	minFrame   = 16    // bytes: no Noise message is shorter than its tag
	maxAnswer  = 1024  // bytes of a frame with an answer

	// maxHandshake is room for a handshake message with an answer or a request.
	maxHandshake = wire.MaxMessage + 128
)

// violation returns an error that says that the other end broke the protocol.
func violation(format string, a ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{channel.ErrProtocol}, a...)...)
}

// frameReader cuts a stream into frames of at most max bytes.
type frameReader struct {
	r   *bufio.Reader // its buffer holds one whole frame
	max int           // bytes of the Noise message, at most maxFrame

	// deadline bounds the reads that follow; nil when there are no time-outs.
	deadline func(time.Time) error
}

func newFrameReader(conn net.Conn, limit int) *frameReader {
	return &frameReader{r: bufio.NewReaderSize(conn, prefixSize+limit), max: limit}
}

// next returns the next frame's Noise message, valid until the next call. Its
// first byte may take as long as first, and the whole of it rest from then on,
// so that a slow sender cannot hold a connection for longer; a rest of 0 leaves
// it to first to bound the whole. It returns io.EOF if the stream ends between
// frames.
func (f *frameReader) next(first, rest time.Duration) ([]byte, error) {
	if f.r.Buffered() == 0 {
		if err := f.within(first); err != nil {
			return nil, err
		}
		if _, err := f.r.Peek(1); err != nil {
			return nil, err
		}
	}
	if !f.whole() {
		if err := f.within(rest); err != nil {
			return nil, err
		}
	}
	b, err := f.r.Peek(prefixSize)
	if err != nil {
		return nil, cut(err)
	}
	size := int(binary.BigEndian.Uint16(b))
	if size < minFrame || size > f.max {
		return nil, violation("a frame of %d bytes is not between %d and %d", size, minFrame, f.max)
	}
	if b, err = f.r.Peek(prefixSize + size); err != nil {
		return nil, cut(err)
	}
	if _, err := f.r.Discard(prefixSize + size); err != nil {
		return nil, cut(err)
	}
	return b[prefixSize:], nil
}

// whole reports whether a whole frame has been read already.
func (f *frameReader) whole() bool {
	n := f.r.Buffered()
	if n < prefixSize {
		return false
	}
	b, err := f.r.Peek(prefixSize)
	return err == nil && n >= prefixSize+int(binary.BigEndian.Uint16(b))
}

// within bounds the reads to come, if d and f have bounds.
func (f *frameReader) within(d time.Duration) error {
	if f.deadline == nil || d == 0 {
		return nil
	}
	return f.deadline(time.Now().Add(d))
}

func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// sealFrame writes the length before the message that was appended to
// b[:prefixSize].
func sealFrame(b []byte) ([]byte, error) {
	n := len(b) - prefixSize
	if n < minFrame || n > maxFrame {
		return nil, fmt.Errorf("a frame of %d bytes cannot be sent", n)
	}
	binary.BigEndian.PutUint16(b, uint16(n))
	return b, nil
}

// quiet turns off the TCP keepalives that package net turns on. One every 15 s would wake
// the radio of a phone without need: both ends bound how long a connection may be idle, and
// how long an answer may take.
func quiet(conn net.Conn) {
	if c, ok := conn.(interface{ SetKeepAlive(on bool) error }); ok {
		_ = c.SetKeepAlive(false) // it costs energy, no more
	}
}
