package bench

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
)

// ReadErr reads one byte and returns the error.
func ReadErr(c net.Conn) error {
	_, err := c.Read(make([]byte, 1))
	return err
}

// WriteErr writes one byte and returns the error.
func WriteErr(c net.Conn) error {
	_, err := c.Write([]byte("x"))
	return err
}

// CloseWrite ends the outgoing stream of c alone.
func CloseWrite(c net.Conn) error { return c.(interface{ CloseWrite() error }).CloseWrite() }

// Abort ends c by a reset.
func Abort(c net.Conn) error {
	if err := c.(interface{ SetLinger(seconds int) error }).SetLinger(0); err != nil {
		return err
	}
	return c.Close()
}

// Finish sends bytes and ends the stream.
func Finish(c net.Conn, p []byte) error {
	if _, err := c.Write(p); err != nil {
		return err
	}
	return CloseWrite(c)
}

// Receive reads up to the end of the stream, which must be want.
func Receive(c net.Conn, want []byte) error {
	got, err := io.ReadAll(c)
	if err == nil && !bytes.Equal(want, got) {
		err = fmt.Errorf("got %d bytes, want %d others", len(got), len(want))
	}
	return err
}

// Noise returns bytes, the same for the same seed.
func Noise(seed uint64, size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)}).Read(b)
	return b
}
