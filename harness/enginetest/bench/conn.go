package bench

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Echo answers every connection of a listener with what it gets. At the end of the test
// it closes the network, and waits until nothing is answered any more.
func Echo(tb testing.TB, network io.Closer, l net.Listener) {
	tb.Helper()
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			})
		}
	})
	tb.Cleanup(func() {
		require.NoError(tb, network.Close())
		serving.Wait()
	})
}

// Exchange sends bytes to an echo and reads them back. It returns how long that took.
func Exchange(tb testing.TB, c net.Conn, size int) time.Duration {
	tb.Helper()
	begin := time.Now()
	want := Noise(uint64(size), size)
	_, err := c.Write(want)
	require.NoError(tb, err)
	got := make([]byte, size)
	_, err = io.ReadFull(c, got)
	require.NoError(tb, err)
	require.True(tb, bytes.Equal(want, got))
	return time.Since(begin)
}

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

// Finish sends bytes and ends the stream.
func Finish(c net.Conn, p []byte) error {
	if _, err := c.Write(p); err != nil {
		return err
	}
	return CloseWrite(c)
}

// Noise returns bytes, the same for the same seed.
func Noise(seed uint64, size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)}).Read(b)
	return b
}
