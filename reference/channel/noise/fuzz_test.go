package noise

import (
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// bytesConn is a connection that has sent everything it will ever send.
type bytesConn struct {
	net.Conn
	r *bytes.Reader
}

func (c bytesConn) Read(b []byte) (int, error)     { return c.r.Read(b) }
func (bytesConn) Write(b []byte) (int, error)      { return len(b), nil }
func (bytesConn) SetReadDeadline(time.Time) error  { return nil }
func (bytesConn) SetWriteDeadline(time.Time) error { return nil }
func (bytesConn) Close() error                     { return nil }

// FuzzFrames: whatever the stream, every frame is within bounds, and together
// they are no longer than the stream.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{0, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 17}, uint16(64))
	f.Add([]byte{0xff, 0xff}, uint16(0xffff))
	f.Fuzz(func(t *testing.T, stream []byte, limit uint16) {
		fr := newFrameReader(bytesConn{r: bytes.NewReader(stream)}, int(limit))
		total := 0
		for {
			b, err := fr.next(0, 0)
			if err != nil {
				require.Nil(t, b)
				return
			}
			require.GreaterOrEqual(t, len(b), minFrame)
			require.LessOrEqual(t, len(b), int(limit))
			total += prefixSize + len(b)
			require.LessOrEqual(t, total, len(stream))
		}
	})
}

// FuzzServer feeds a bank a whole connection: it may only ever receive the one
// request of the genuine handshake, since nobody else has the wallet's key.
func FuzzServer(f *testing.F) {
	b := newBench(f)
	frame, _ := message1(f, b, b.request(1))
	f.Add(frame)
	f.Add(append(append([]byte(nil), frame...), frame...))
	f.Add(frame[:60])
	f.Fuzz(func(t *testing.T, stream []byte) {
		c := Server(bytesConn{r: bytes.NewReader(stream)}, b.server())
		defer c.Close()
		in, err := c.Receive()
		if err != nil {
			require.Nil(t, in.Request)
			return
		}
		require.True(t, bytes.HasPrefix(stream, frame), "a request from a handshake nobody made")
		require.NoError(t, c.Send(in.Number, b.confirm(c.Payer(), &in.Request.Payment)))
		_, err = c.Receive()
		require.Error(t, err)
	})
}

// FuzzClient feeds a wallet a whole connection: without the bank's key no
// stream is an answer.
func FuzzClient(f *testing.F) {
	b := newBench(f)
	f.Add([]byte{0, 48, 1, 2, 3})
	f.Add(append([]byte{0, 96}, make([]byte, 96)...))
	f.Fuzz(func(t *testing.T, stream []byte) {
		s := Client(bytesConn{r: bytes.NewReader(stream)}, b.client())
		defer s.Close()
		a, err := s.Do(t.Context(), b.request(1))
		require.Error(t, err)
		require.Nil(t, a)
	})
}
