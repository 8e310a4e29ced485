package httpapi

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
)

// examine makes all requests.
func (e *examiner) examine(ctx context.Context) error {
	for _, ask := range []func(context.Context) error{
		e.replay, e.mismatch, e.concurrent, e.afterError, e.cutInRequest,
		func(ctx context.Context) error { return e.cut(ctx, "cut-request-sent", false) },
		func(ctx context.Context) error { return e.cut(ctx, "cut-before-answer", true) },
	} {
		if err := ask(ctx); err != nil {
			return err
		}
	}
	return nil
}

const once = "one booking, and the payer is told that it was made"

func (e *examiner) replay(ctx context.Context) error {
	q := e.next("replay", "the same request again", "the same answer, and one booking")
	if e.preset.Mark != "" {
		q.Expected += ", marked " + e.preset.Mark
	}
	first, err := e.pay(ctx, q.payment)
	if err != nil {
		return err
	}
	if first.err != nil || first.meaning != exchange.Confirmed && first.meaning != exchange.Pending {
		return fmt.Errorf("a plain payment is not confirmed: %v %s; make onebar run pass without any impairment first", first, e.client.secrets.excerpt(first.answer))
	}
	q.paid = first.meaning == exchange.Confirmed
	second, err := e.again(ctx, q)
	if err != nil {
		return err
	}
	q.Seen = fmt.Sprintf("first %v, then %v", first, second)
	switch {
	case second.answer.Status != first.answer.Status || second.meaning != first.meaning:
		q.wrong = append(q.wrong, "another answer")
	case !bytes.Equal(first.answer.Body, second.answer.Body):
		q.Seen += ", with another body"
	default:
		q.Seen += ", byte for byte"
	}
	if name, value, marked := bytes.Cut([]byte(e.preset.Mark), []byte(": ")); marked && second.answer.Header.Get(string(name)) != string(value) {
		q.wrong = append(q.wrong, "no "+e.preset.Mark)
	}
	return nil
}

func (e *examiner) mismatch(ctx context.Context) error {
	q := e.next("other-request", "the same key with another amount", "a refusal, and nothing booked for it")
	if len(e.preset.Mismatch) > 0 {
		q.Expected = fmt.Sprintf("HTTP %s, and nothing booked for it", either(e.preset.Mismatch))
	}
	first, err := e.again(ctx, q)
	if err != nil {
		return err
	}
	other := q.payment
	other.Amount++
	second, err := e.pay(ctx, other)
	if err != nil {
		return err
	}
	q.Seen = fmt.Sprintf("first %v, then %v", first, second)
	switch status := second.answer.Status; {
	case second.err != nil:
		q.doubt = "no answer"
	case len(e.preset.Mismatch) > 0 && !slices.Contains(e.preset.Mismatch, status):
		q.wrong = append(q.wrong, "another status")
	case status >= 200 && status < 300 && e.preset.Name != "":
		q.doubt = "its documents do not say"
	case status < 400 || status > 499:
		q.wrong = append(q.wrong, "no refusal: whoever asked believes that the other amount was paid")
	}
	return nil
}

func (e *examiner) concurrent(ctx context.Context) error {
	q := e.next("concurrent", strconv.Itoa(concurrently)+" times the same request at once", "one booking")
	if len(e.preset.Busy) > 0 {
		q.Expected += fmt.Sprintf(", and HTTP %s while the first is under way", either(e.preset.Busy))
	}
	var (
		mu     sync.Mutex
		group  sync.WaitGroup
		errs   []error
		counts = map[string]int{}
	)
	for range concurrently {
		group.Go(func() {
			h, err := e.pay(ctx, q.payment)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
			counts[h.String()]++
			q.paid = q.paid || h.meaning == exchange.Confirmed
			refused := h.meaning != exchange.Confirmed && h.meaning != exchange.Pending
			if h.err == nil && refused && len(e.preset.Busy) > 0 && !slices.Contains(e.preset.Busy, h.answer.Status) {
				q.wrong = append(q.wrong, "another status for a key in use")
			}
		})
	}
	group.Wait()
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		q.Seen += fmt.Sprintf("%s%d × %s", comma(q.Seen), counts[what], what)
	}
	q.wrong = slices.Compact(q.wrong)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	last, err := e.again(ctx, q)
	q.Seen += "; asked again, " + last.String()
	return err
}

// afterError has the server fail by a request that breaks off in the middle of its
// body, as far as it can be made to fail so, and uses the key again: for the same,
// and for the whole.
func (e *examiner) afterError(ctx context.Context) error {
	q := e.next("after-5xx", "the key again after an error of the server", "at most one booking")
	q.unpaid = true
	if e.preset.Errors {
		q.Expected = "the same error again, and at most one booking"
	}
	var got [2]heard
	for i := range got {
		req, body, err := e.request(ctx, q.payment)
		if err != nil {
			return err
		}
		half := body[:len(body)/2]
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(half)), int64(len(half))
		got[i] = heard{exchanged: send(e.http, req, e.client.plan.Config.Timeout)}
	}
	whole, err := e.again(ctx, q)
	q.Seen = fmt.Sprintf("half a body %s, again %s, then the whole %v", got[0].status(), got[1].status(), whole)
	switch {
	case got[0].answer.Status < 500:
		q.lacks = "nothing that could be sent made the server fail with 5xx"
	case e.preset.Errors && got[1].answer.Status != got[0].answer.Status:
		q.wrong = append(q.wrong, "another answer")
	}
	return err
}

func (e *examiner) cutInRequest(ctx context.Context) error {
	q := e.next("cut-in-request", "a connection cut inside the request, then the key again", once)
	req, body, err := e.request(ctx, q.payment)
	if err != nil {
		return err
	}
	if len(body) < 2 {
		q.lacks = "the request has no body to be cut in"
		return nil
	}
	req.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), failing{}))
	send(e.http, req, e.client.plan.Config.Timeout)
	h, err := e.again(ctx, q)
	q.Seen = fmt.Sprintf("asked again, %v", h)
	return err
}

// failing is a body that breaks off.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("cut") }

// cut closes the connection when the request is written, or when the first byte of
// the answer is there, and asks again.
func (e *examiner) cut(ctx context.Context, name string, answered bool) error {
	title := "a connection cut when the request is sent, then the key again"
	if answered {
		title = "a connection cut before the answer is read, then the key again"
	}
	q := e.next(name, title, once)
	req, _, err := e.request(ctx, q.payment)
	if err != nil {
		return err
	}
	secure, err := Trust(e.client.config.TLS, e.client.folder)
	if err != nil {
		return err
	}
	var armed atomic.Bool
	h := newHTTP(func(ctx context.Context) (net.Conn, error) {
		conn, err := e.client.env.Direct(ctx)
		return scissors{conn, &armed, answered}, err
	}, secure)
	trace := &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { armed.Store(true) }}
	send(h, req.WithContext(httptrace.WithClientTrace(ctx, trace)), e.client.plan.Config.Timeout)
	h.CloseIdleConnections()
	last, err := e.again(ctx, q)
	q.Seen = fmt.Sprintf("asked again, %v", last)
	return err
}

// scissors cut a connection once they are armed, when the request has been formed:
// with the write that sends it, or else with the first that is read.
type scissors struct {
	net.Conn
	armed    *atomic.Bool
	answered bool // not before something is read
}

func (s scissors) Write(b []byte) (int, error) {
	n, err := s.Conn.Write(b)
	if s.armed.Load() && !s.answered {
		s.Close()
	}
	return n, err
}

func (s scissors) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if !s.armed.Load() || n == 0 {
		return n, err
	}
	s.Close()
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
