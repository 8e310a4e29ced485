package conform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/onebar/onebar/harness/subject/httpapi/transport"
)

// afterError sends a request with half a body, which makes some servers fail, and uses
// the key again: with the same half, and with the whole body.
func (e *examiner) afterError(ctx context.Context) error {
	t := e.next("after-5xx", "the key again after an error of the server", "at most one booking")
	t.unpaid = true
	if e.preset.Errors {
		t.Expected = "the same error again, and at most one booking"
	}
	var got [2]outcome
	for i := range got {
		req, body, err := e.request(ctx, t.trial)
		if err != nil {
			return err
		}
		half := part(body, t.trial.Key())
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(half)), int64(len(half))
		got[i] = outcome{Exchange: transport.Send(e.http, req, e.limit)}
	}
	whole, err := e.again(ctx, t)
	t.Seen = fmt.Sprintf("half a body %s, again %s, then the whole %s", got[0].status(), got[1].status(), whole.String()+t.followed)
	switch {
	case got[0].Answer.Status < 500:
		t.lacks = "nothing that could be sent made the server fail with 5xx"
	case e.preset.Errors && got[1].Answer.Status != got[0].Answer.Status:
		t.wrong = append(t.wrong, "another answer")
	}
	return err
}

func (e *examiner) cutInRequest(ctx context.Context) error {
	t := e.next("cut-in-request", "a connection cut inside the request, then the key again", once)
	req, body, err := e.request(ctx, t.trial)
	if err != nil {
		return err
	}
	if len(body) < 2 {
		t.lacks = "the request has no body to be cut in"
		return nil
	}
	req.Body = io.NopCloser(io.MultiReader(bytes.NewReader(part(body, t.trial.Key())), failing{}))
	transport.Send(e.http, req, e.limit)
	o, err := e.again(ctx, t)
	t.Seen = fmt.Sprintf("asked again, %v%s", o, t.followed)
	return err
}

// part returns the first half of a body, or up to the end of the key if that is in the
// second half: a server that reads the key of a broken request should see it. It is
// never the whole body.
func part(body []byte, key string) []byte {
	end := len(body) / 2
	if i := bytes.Index(body, []byte(key)); key != "" && i >= 0 {
		end = max(end, i+len(key))
	}
	return body[:min(end, max(0, len(body)-1))]
}

// failing is a body whose reading fails.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("cut") }

// cut closes the connection when the request is written, or when the first byte of
// the answer has arrived, and then sends the request again.
func (e *examiner) cut(ctx context.Context, name string, answered bool) error {
	title := "a connection cut when the request is sent, then the key again"
	if answered {
		title = "a connection cut before the answer is read, then the key again"
	}
	t := e.next(name, title, once)
	req, _, err := e.request(ctx, t.trial)
	if err != nil {
		return err
	}
	var armed atomic.Bool
	h := e.client.HTTP(func(ctx context.Context) (net.Conn, error) {
		conn, err := e.env.Direct(ctx)
		return cutConn{conn, &armed, answered}, err
	})
	trace := &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { armed.Store(true) }}
	transport.Send(h, req.WithContext(httptrace.WithClientTrace(ctx, trace)), e.limit)
	h.CloseIdleConnections()
	last, err := e.again(ctx, t)
	t.Seen = fmt.Sprintf("asked again, %v%s", last, t.followed)
	return err
}

// cutConn closes its connection once it is armed, which it is when net/http has formed
// the request: after the write that sends the request, or after the first read.
type cutConn struct {
	net.Conn
	armed    *atomic.Bool
	answered bool // after the first read
}

func (c cutConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if c.armed.Load() && !c.answered {
		c.Close()
	}
	return n, err
}

func (c cutConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if !c.armed.Load() || n == 0 {
		return n, err
	}
	c.Close()
	return 0, net.ErrClosed
}
