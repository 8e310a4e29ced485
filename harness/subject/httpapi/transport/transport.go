package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/onebar/onebar/harness/exchange"
)

// MaxBody is the longest answer that is read, in bytes.
const MaxBody = 16 << 20

// idle is how long an unused connection is kept open, as in OkHttp.
const idle = 5 * time.Minute

// perHost is how many unused connections to the server are kept open.
const perHost = 16

// New returns an HTTP client that opens every connection with dial, whatever the
// host of the URL. It follows no redirect. The caller closes its idle connections.
func New(dial func(context.Context) (net.Conn, error), t *tls.Config) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
			TLSClientConfig:     t.Clone(),
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: perHost,
			IdleConnTimeout:     idle,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Exchange is one request and its answer.
type Exchange struct {
	Answer      exchange.Answer
	Dialed      bool // the client began to open a connection for it
	Unconnected bool // it ended before a connection was open: none was reused, and TLS had not begun on a new one
	Took        time.Duration
	Err         error // why there is no complete answer
}

// Send sends a request and reads the complete answer, of at most MaxBody bytes. After
// limit it ends with ErrTimeout.
func Send(h *http.Client, req *http.Request, limit time.Duration) (x Exchange) {
	ctx, cancel := context.WithTimeout(req.Context(), limit)
	defer cancel()
	begin := time.Now()
	defer func() { x.Took = time.Since(begin) }()
	asked, reused := false, false
	var open atomic.Bool // set by the goroutine that dials, which may outlive the request
	trace := &httptrace.ClientTrace{
		GetConn:           func(string) { asked = true },
		TLSHandshakeStart: func() { open.Store(true) },
		GotConn: func(i httptrace.GotConnInfo) {
			reused = i.Reused
			open.Store(true)
		},
	}
	resp, err := h.Do(req.WithContext(httptrace.WithClientTrace(ctx, trace)))
	x.Dialed = asked && !reused
	if err != nil {
		x.Err, x.Unconnected = plain(err), !open.Load()
		return x
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxBody+1))
	switch {
	case err != nil:
		x.Err = fmt.Errorf("inside the answer: %w", plain(err))
	case len(body) > MaxBody:
		x.Err = fmt.Errorf("the answer is longer than %d MiB", MaxBody>>20)
	}
	x.Answer = exchange.Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}
	return x
}

// plain removes the URL from an error of net/http, because it may contain secrets.
func plain(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return ErrTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the server closed the connection")
	case errors.Is(err, syscall.ECONNRESET):
		return errors.New("the server reset the connection")
	}
	return err
}

// ErrTimeout says that no complete answer came within the time limit.
var ErrTimeout = errors.New("no answer in time")

// Pause waits for d, or until ctx ends.
func Pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
