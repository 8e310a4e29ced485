package noise

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/channel"
	"github.com/onebar/onebar/reference/pay"
)

// open is a session with its first request answered, and the bank's end of it,
// which answers nothing more.
func (b *bench) open(t *testing.T) (*Session, *ServerConn) {
	t.Helper()
	cc, sc := net.Pipe()
	s, server := Client(cc, b.client()), Server(sc, b.server())
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		server.Close()
	})
	var wg sync.WaitGroup
	wg.Go(func() {
		in, err := server.Receive()
		if err == nil {
			err = server.Send(in.Number, b.confirm(server.Payer(), &in.Request.Payment))
		}
		if err != nil {
			t.Error(err)
		}
	})
	_, err := s.Do(t.Context(), b.request(1))
	require.NoError(t, err)
	wg.Wait()
	return s, server
}

// within is a context of so much time.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// TestFrameSizes: both ends hold the bounds to the byte.
func TestFrameSizes(t *testing.T) {
	for _, c := range []struct {
		size int
		read bool // by a reader of frames up to 1024 bytes
		sent bool
	}{
		{15, false, false},
		{16, true, true},
		{1024, true, true},
		{1025, false, true},
		{65535, false, true},
		{65536, false, false},
	} {
		raw := make([]byte, prefixSize+c.size)
		sealed, err := sealFrame(raw)
		require.Equal(t, c.sent, err == nil, "%d bytes: %v", c.size, err)
		if !c.sent {
			require.Nil(t, sealed)
			if c.size > maxFrame {
				continue
			}
			binary.BigEndian.PutUint16(raw, uint16(c.size))
		}
		cc, sc := net.Pipe()
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = sc.Write(raw) })
		frame, err := newFrameReader(cc, 1024).next(0, 0)
		require.Equal(t, c.read, err == nil, "%d bytes: %v", c.size, err)
		if !c.read {
			require.ErrorIs(t, err, channel.ErrProtocol)
		}
		require.Len(t, frame, map[bool]int{true: c.size}[c.read])
		cc.Close()
		wg.Wait()
	}
}

// TestWhatCannotBeEncodedIsNotSent, and costs the session nothing.
func TestWhatCannotBeEncodedIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		bad := b.request(2)
		bad.Payment.Amount = 0
		s := b.pair(t)
		for range 2 {
			_, err := s.Do(within(t, time.Second), bad)
			require.ErrorContains(t, err, "amount 0")
			_, err = s.Do(within(t, time.Second), b.request(1))
			require.NoError(t, err)
		}
		_, server := b.open(t)
		require.ErrorContains(t, server.Send(0, &pay.Answer{Result: pay.Confirmed, At: testTime}), "encode answer")
	})
}

// TestLateAnswersLeaveNothing: a request that was given up is forgotten, and no
// other one.
func TestLateAnswersLeaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		s, server := b.open(t)
		go func() {
			for {
				if _, err := server.Receive(); err != nil {
					return
				}
			}
		}()
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				_, err := s.Do(within(t, time.Duration(i+1)*time.Second), b.request(1))
				if err == nil {
					t.Error("an answer from nowhere")
				}
			})
		}
		for i := range 3 {
			synctest.Wait()
			s.mu.Lock()
			waiting := len(s.waiting)
			s.mu.Unlock()
			require.Equal(t, 3-i, waiting)
			time.Sleep(time.Second)
		}
		wg.Wait()
		require.Empty(t, s.waiting)
		require.NoError(t, s.Err())
	})
}

// TestHalfARequestEndsTheSession: nothing can be sent after part of a frame.
func TestHalfARequestEndsTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		s, _ := b.open(t) // the bank reads nothing more
		_, err := s.Do(within(t, time.Second), b.request(2))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		select {
		case <-s.Done():
		default:
			require.Fail(t, "the session can be used on")
		}
		_, err = s.Do(t.Context(), b.request(3))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded, "why it ended")
	})
}

// TestHalfAnAnswerEndsTheConnection of a wallet that does not read.
func TestHalfAnAnswerEndsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		for _, first := range []bool{true, false} {
			cc, sc := net.Pipe()
			server := Server(sc, b.server())
			frame, _ := message1(t, b, b.request(1))
			go func() { _, _ = cc.Write(frame) }()
			in, err := server.Receive()
			require.NoError(t, err)
			if !first {
				go func() { readFrame(cc) }()
				require.NoError(t, server.Send(in.Number, b.confirm(server.Payer(), &in.Request.Payment)))
			}
			began := time.Now()
			require.ErrorIs(t, server.Send(in.Number, b.confirm(server.Payer(), &in.Request.Payment)), os.ErrDeadlineExceeded)
			require.Equal(t, 30*time.Second, time.Since(began))
			_, err = cc.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF, "it is closed")
			for range 20 {
				require.Error(t, server.Send(in.Number, b.confirm(server.Payer(), &in.Request.Payment)))
			}
			cc.Close()
		}
	})
}

// TestAlteredFrames of an open session are believed by neither end.
func TestAlteredFrames(t *testing.T) {
	b := newBench(t)
	t.Run("request", func(t *testing.T) {
		s, server := b.open(t)
		s.conn = tap{s.conn}
		go func() { _, _ = s.Do(within(t, time.Minute), b.request(2)) }()
		_, err := server.Receive()
		require.ErrorIs(t, err, channel.ErrProtocol)
		require.ErrorContains(t, err, "a request does not decrypt")
	})
	t.Run("answer", func(t *testing.T) {
		s, server := b.open(t)
		server.conn = tap{server.conn}
		go func() {
			if in, err := server.Receive(); err == nil {
				_ = server.Send(in.Number, b.confirm(server.Payer(), &in.Request.Payment))
			}
		}()
		_, err := s.Do(within(t, time.Minute), b.request(2))
		require.ErrorIs(t, err, channel.ErrProtocol)
		require.ErrorContains(t, err, "an answer does not decrypt")
	})
}

// tap is a connection that flips a bit of the last byte of each write.
type tap struct{ net.Conn }

func (c tap) Write(b []byte) (int, error) {
	b = bytes.Clone(b)
	b[len(b)-1] ^= 1
	return c.Conn.Write(b)
}

// TestLaterRequestsAreParsed: what an authenticated wallet sends is checked, too.
func TestLaterRequestsAreParsed(t *testing.T) {
	b := newBench(t)
	s, server := b.open(t)
	frame, err := s.enc.Encrypt(make([]byte, prefixSize), nil, []byte("not protobuf"))
	require.NoError(t, err)
	go func() { _ = s.write(t.Context(), frame) }()
	_, err = server.Receive()
	require.ErrorIs(t, err, channel.ErrProtocol)
	require.ErrorContains(t, err, "decode request")
}

// TestAnswersNobodyCanGive end the session, though they are from the bank.
func TestAnswersNobodyCanGive(t *testing.T) {
	for want, send := range map[string]func(*ServerConn, *pay.Answer) error{
		"decode answer": func(c *ServerConn, _ *pay.Answer) error {
			frame, err := c.enc.Encrypt(make([]byte, prefixSize), nil, []byte("not protobuf"))
			if err == nil {
				err = c.write(frame)
			}
			return err
		},
		"an answer to request 1, but only 1 were sent": func(c *ServerConn, a *pay.Answer) error { return c.Send(1, a) },
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			s, server := b.open(t)
			require.NoError(t, send(server, b.confirm(server.Payer(), &payRequest(1).Payment)))
			synctest.Wait()
			require.ErrorIs(t, s.Err(), channel.ErrProtocol)
			require.ErrorContains(t, s.Err(), want)
		})
	}
}

// slowToEnd is a connection whose Read notices its end a second late.
type slowToEnd struct{ net.Conn }

func (c slowToEnd) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		time.Sleep(time.Second)
	}
	return n, err
}

// TestCloseLeavesNoReader, as the contract of channels has it.
func TestCloseLeavesNoReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		cc, sc := net.Pipe()
		server := Server(sc, b.server())
		defer server.Close()
		go func() { _ = b.serve(server) }()
		s := Client(slowToEnd{cc}, b.client())
		_, err := s.Do(within(t, time.Minute), b.request(1))
		require.NoError(t, err)
		require.NoError(t, s.Close())
		select {
		case <-s.reader:
		default:
			require.Fail(t, "the reader still runs")
		}
	})
}

func TestServerConfigDefaults(t *testing.T) {
	got := ServerConfig{}.withDefaults()
	_, known := got.Identify([32]byte{1})
	require.False(t, known, "nobody is known")
	got.Identify = nil
	require.Equal(t, ServerConfig{
		MaxRequest: 1024, HandshakeTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		FrameTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
	}, got)

	set := ServerConfig{MaxRequest: 150, HandshakeTimeout: 1, IdleTimeout: 2, FrameTimeout: 3, WriteTimeout: 4}
	got = set.withDefaults()
	got.Identify = nil
	require.Equal(t, set, got, "what is set is kept")
	require.Equal(t, maxFrame, ServerConfig{MaxRequest: maxFrame + 1}.withDefaults().MaxRequest, "no frame is larger")
}

// TestServerWithoutRandomness sends no answer.
func TestServerWithoutRandomness(t *testing.T) {
	b := newBench(t)
	cfg := b.server()
	cfg.Rand = bytes.NewReader(nil)
	cc, sc := net.Pipe()
	defer cc.Close()
	server := Server(sc, cfg)
	defer server.Close()
	frame, _ := message1(t, b, b.request(1))
	go func() { _, _ = cc.Write(frame) }()
	in, err := server.Receive()
	require.NoError(t, err)
	require.ErrorIs(t, server.Send(in.Number, b.confirm(server.Payer(), &in.Request.Payment)), io.EOF)
}

// TestStopReceivingAtOnce: the Receive under way ends, and no later one takes a
// request.
func TestStopReceivingAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		s, server := b.open(t)
		began := time.Now()
		time.AfterFunc(time.Second, server.StopReceiving)
		_, err := server.Receive()
		require.ErrorIs(t, err, channel.ErrStopped)
		require.Equal(t, time.Second, time.Since(began))

		go func() { _, _ = s.Do(within(t, time.Minute), b.request(2)) }()
		synctest.Wait()
		_, err = server.Receive()
		require.ErrorIs(t, err, channel.ErrStopped)
		require.Equal(t, time.Second, time.Since(began))
	})
}
