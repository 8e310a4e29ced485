package conform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http/httptrace"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/onebar/onebar/harness/exchange"
	"github.com/onebar/onebar/harness/subject/httpapi/transport"
)

// examine makes all tests.
func (e *examiner) examine(ctx context.Context) error {
	for _, probe := range []func(context.Context) error{
		e.replay, e.mismatch, e.concurrent, e.afterError, e.cutInRequest,
		func(ctx context.Context) error { return e.cut(ctx, "cut-request-sent", false) },
		func(ctx context.Context) error { return e.cut(ctx, "cut-before-answer", true) },
	} {
		if err := probe(ctx); err != nil {
			return err
		}
	}
	return nil
}

const once = "one booking, and the payer is told that it was made"

func (e *examiner) replay(ctx context.Context) error {
	t := e.next("replay", "the same request again", "the same answer, and one booking")
	if e.preset.Mark != "" {
		t.Expected += ", marked " + e.preset.Mark
	}
	first, err := e.pay(ctx, t.payment)
	if err != nil {
		return err
	}
	if first.Err != nil || first.meaning != exchange.Confirmed && first.meaning != exchange.Pending {
		return fmt.Errorf("a plain payment is not confirmed: %v %s; make onebar run pass without any impairment first", first, e.client.Excerpt(first.Answer))
	}
	t.paid = first.meaning == exchange.Confirmed
	second, err := e.again(ctx, t)
	if err != nil {
		return err
	}
	t.Seen = fmt.Sprintf("first %v, then %v", first, second)
	switch {
	case second.Answer.Status != first.Answer.Status || second.meaning != first.meaning:
		t.wrong = append(t.wrong, "another answer")
	case !bytes.Equal(first.Answer.Body, second.Answer.Body):
		t.Seen += ", with another body"
	default:
		t.Seen += ", byte for byte"
	}
	if name, value, marked := bytes.Cut([]byte(e.preset.Mark), []byte(": ")); marked && second.Answer.Header.Get(string(name)) != string(value) {
		t.wrong = append(t.wrong, "no "+e.preset.Mark)
	}
	return nil
}

func (e *examiner) mismatch(ctx context.Context) error {
	t := e.next("other-request", "the same key with another amount", "a refusal, and nothing booked for it")
	if len(e.preset.Mismatch) > 0 {
		t.Expected = fmt.Sprintf("HTTP %s, and nothing booked for it", either(e.preset.Mismatch))
	}
	first, err := e.again(ctx, t)
	if err != nil {
		return err
	}
	other := t.payment
	other.Amount++
	second, err := e.pay(ctx, other)
	if err != nil {
		return err
	}
	t.Seen = fmt.Sprintf("first %v, then %v", first, second)
	switch status := second.Answer.Status; {
	case second.Err != nil:
		t.doubt = "no answer"
	case len(e.preset.Mismatch) > 0 && !slices.Contains(e.preset.Mismatch, status):
		t.wrong = append(t.wrong, "another status")
	case status >= 200 && status < 300 && e.preset.Name != "":
		t.doubt = "its documents do not say"
	case status < 400 || status > 499:
		t.wrong = append(t.wrong, "no refusal: the client believes that the other amount was paid")
	}
	return nil
}

// concurrently is how many requests with one key are sent at once.
const concurrently = 8

func (e *examiner) concurrent(ctx context.Context) error {
	t := e.next("concurrent", strconv.Itoa(concurrently)+" times the same request at once", "one booking")
	if len(e.preset.Busy) > 0 {
		t.Expected += fmt.Sprintf(", and HTTP %s while the first is under way", either(e.preset.Busy))
	}
	var (
		mu     sync.Mutex
		group  sync.WaitGroup
		errs   []error
		counts = map[string]int{}
	)
	for range concurrently {
		group.Go(func() {
			o, err := e.pay(ctx, t.payment)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
			counts[o.String()]++
			t.paid = t.paid || o.meaning == exchange.Confirmed
			refused := o.meaning != exchange.Confirmed && o.meaning != exchange.Pending
			if o.Err == nil && refused && len(e.preset.Busy) > 0 && !slices.Contains(e.preset.Busy, o.Answer.Status) {
				t.wrong = append(t.wrong, "another status for a key in use")
			}
		})
	}
	group.Wait()
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		t.Seen += fmt.Sprintf("%s%d × %s", comma(t.Seen), counts[what], what)
	}
	t.wrong = slices.Compact(t.wrong)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	last, err := e.again(ctx, t)
	t.Seen += "; asked again, " + last.String()
	return err
}

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
		req, body, err := e.request(ctx, t.payment)
		if err != nil {
			return err
		}
		half := body[:len(body)/2]
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(half)), int64(len(half))
		got[i] = outcome{Exchange: transport.Send(e.http, req, e.limit)}
	}
	whole, err := e.again(ctx, t)
	t.Seen = fmt.Sprintf("half a body %s, again %s, then the whole %v", got[0].status(), got[1].status(), whole)
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
	req, body, err := e.request(ctx, t.payment)
	if err != nil {
		return err
	}
	if len(body) < 2 {
		t.lacks = "the request has no body to be cut in"
		return nil
	}
	req.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), failing{}))
	transport.Send(e.http, req, e.limit)
	o, err := e.again(ctx, t)
	t.Seen = fmt.Sprintf("asked again, %v", o)
	return err
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
	req, _, err := e.request(ctx, t.payment)
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
	t.Seen = fmt.Sprintf("asked again, %v", last)
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

func either(statuses []int) string {
	text := ""
	for _, s := range statuses {
		if text != "" {
			text += " or "
		}
		text += strconv.Itoa(s)
	}
	return text
}

func comma(s string) string {
	if s == "" {
		return ""
	}
	return ", "
}
