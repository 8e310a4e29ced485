package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/channel/noise"
	"github.com/onebar/onebar/reference/pay"
)

func do(tb testing.TB, s *session, ask pay.Ask, p pay.Payment) (*pay.Answer, error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), testTimeout)
	defer cancel()
	return s.Do(ctx, &pay.Request{Ask: ask, Payment: p})
}

func TestServe(t *testing.T) {
	b := openTestLedger(t, 1)
	sv := startServer(t, Config{Service: b})
	s := sv.dial(t, b.wallets[0])
	defer s.Close()
	for _, c := range []struct {
		ask  pay.Ask
		p    pay.Payment
		want pay.Result
	}{
		{pay.AskStatus, payment(1), pay.NotFound},
		{pay.AskPay, payment(1), pay.Confirmed},
		{pay.AskPay, payment(1), pay.Confirmed},
		{pay.AskStatus, payment(1), pay.Confirmed},
		{pay.AskPay, payment(2), pay.Confirmed},
	} {
		got, err := do(t, s, c.ask, c.p)
		require.NoError(t, err)
		require.Equal(t, c.want, got.Result)
	}
	transfers, _ := b.contents(t)
	require.Len(t, transfers, 2)
}

// TestCutAnywhere cuts the connection after every number of bytes up and down,
// pays again each time, and expects one booking per payment.
func TestCutAnywhere(t *testing.T) {
	b := openTestLedgerOn(t, 1, hastyVFS(t))
	sv := startServer(t, Config{Service: b})
	n := 0
	for _, cut := range []struct {
		name     string
		up, down int // bytes let through; beyond, the connection is cut
		bytes    int
	}{
		{"up", 1, 0, 225},
		{"down", 0, 1, 140},
	} {
		t.Run(cut.name, func(t *testing.T) {
			for i := range cut.bytes {
				n++
				p := payment(n)
				p.Amount = 1
				conn := &cutConn{Conn: sv.connect(t), up: 1 << 20, down: 1 << 20}
				if cut.up == 1 {
					conn.up = i
				} else {
					conn.down = i
				}
				first := sv.client(b.wallets[0]).open(conn)
				a, err := do(t, first, pay.AskPay, p)
				first.Close()
				if err != nil {
					again := sv.dial(t, b.wallets[0])
					a, err = do(t, again, pay.AskPay, p)
					again.Close()
				}
				require.NoError(t, err)
				require.Equal(t, pay.Confirmed, a.Result)
			}
		})
	}
	transfers, closing := b.contents(t)
	require.Len(t, transfers, n)
	require.EqualValues(t, n, closing["m0"])
}

// cutConn lets so many bytes through each way and then resets the connection.
type cutConn struct {
	net.Conn
	up, down int
}

var errCut = errors.New("cut")

func (c *cutConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b[:min(len(b), c.up)])
	c.up -= n
	if err == nil && n < len(b) {
		c.Close()
		return n, errCut
	}
	return n, err
}

func (c *cutConn) Read(b []byte) (int, error) {
	if c.down == 0 {
		c.Close()
		return 0, errCut
	}
	n, err := c.Conn.Read(b[:min(len(b), c.down)])
	c.down -= n
	return n, err
}

// TestKilledBetweenCommitAndAnswer is the case the whole design is for.
func TestKilledBetweenCommitAndAnswer(t *testing.T) {
	b := openTestLedger(t, 1)
	held := make(chan struct{})
	sv := startServer(t, Config{Service: b, BeforeAnswer: func(key pay.Key) func(context.Context) {
		if key != payment(1).Key {
			return nil
		}
		return func(ctx context.Context) {
			close(held)
			<-ctx.Done()
		}
	}})
	s := sv.dial(t, b.wallets[0])
	defer s.Close()
	failed := make(chan error, 1)
	go func() {
		_, err := do(t, s, pay.AskPay, payment(1))
		failed <- err
	}()
	<-held
	sv.Kill()
	require.NoError(t, b.Kill())
	require.Error(t, <-failed, "the wallet was not answered")

	b.reopen(t)
	booked, _ := b.contents(t)
	require.Len(t, booked, 1)
	b.clock.Add(120_000) // past the deadline
	sv = startServer(t, Config{Service: b})
	again := sv.dial(t, b.wallets[0])
	defer again.Close()
	got, err := do(t, again, pay.AskPay, payment(1))
	require.NoError(t, err)
	require.Equal(t, pay.Confirmed, got.Result)
	require.Equal(t, booked[0].ID, got.Transfer)
	after, closing := b.contents(t)
	require.Equal(t, booked, after)
	require.EqualValues(t, 75_00, closing["w0"])
}

func TestStrangerIsRefused(t *testing.T) {
	b := openTestLedger(t, 1)
	var log syncBuffer
	sv := startServer(t, Config{Service: b, Log: slog.New(slog.NewTextHandler(&log, nil))})
	stranger := newTestWallet(t, nil)
	s := sv.dial(t, stranger)
	defer s.Close()
	got, err := do(t, s, pay.AskPay, payment(1))
	require.NoError(t, err)
	require.Equal(t, pay.Refused, got.Result)
	require.Equal(t, pay.NotEnrolled, got.Reason)
	select {
	case <-s.Done():
	case <-time.After(testTimeout):
		t.Fatal("the bank did not hang up on a stranger")
	}
	require.Contains(t, log.String(), "not enrolled")
	require.Contains(t, log.String(), noise.PublicKey(stranger.Certificate().Transport).String())
}

func TestHostileBytes(t *testing.T) {
	b := openTestLedger(t, 1)
	var log syncBuffer
	sv := startServer(t, Config{Service: b, Log: slog.New(slog.NewTextHandler(&log, nil))})
	cases := []struct {
		name string
		sent []byte
	}{
		{"HTTP", []byte("GET / HTTP/1.1\r\nHost: bank\r\n\r\n")},
		{"TLS", append([]byte{22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3}, make([]byte, 500)...)},
		{"zeros", make([]byte, 4096)},
		{"ones", bytes.Repeat([]byte{0xff}, 4096)},
		{"a frame of zeros", append([]byte{0, 200}, make([]byte, 200)...)},
		{"a frame over the limit", append([]byte{4, 1}, make([]byte, 1025)...)},
		{"cut in a frame", []byte{0, 200, 1, 2, 3}},
		{"nothing", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			conn := sv.connect(t).(*net.TCPConn)
			defer conn.Close()
			_, _ = conn.Write(c.sent) // the bank may have hung up already
			_ = conn.CloseWrite()
			require.NoError(t, conn.SetReadDeadline(time.Now().Add(testTimeout)))
			n, err := io.Copy(io.Discard, conn)
			require.Zero(t, n, "hostile bytes were answered")
			var late net.Error
			require.False(t, errors.As(err, &late) && late.Timeout(), "the connection was not closed")
		})
	}
	require.Contains(t, log.String(), "broke the protocol")
	s := sv.dial(t, b.wallets[0])
	defer s.Close()
	got, err := do(t, s, pay.AskPay, payment(1))
	require.NoError(t, err)
	require.Equal(t, pay.Confirmed, got.Result, "the bank works on")
}
