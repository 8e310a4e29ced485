package exchange

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness/exchange/language"
	"github.com/onebar/onebar/harness/sut"
)

// Request is a template from which requests are made.
type Request struct {
	method  string
	base    string
	path    *template
	headers []field
	body    *template
	form    []field
	capture []capture
}

type field struct {
	name  string
	value *template
}

type capture struct {
	name  string
	value *expression
}

// Make returns a request with the values v. Its body can be read only once: so net/http
// does not send it a second time, which nobody would count as an attempt.
func (r *Request) Make(ctx context.Context, v Vars) (*http.Request, error) {
	path, err := r.path.Fill(v)
	if err != nil {
		return nil, fmt.Errorf("path: %w", err)
	}
	body, err := r.content(v)
	if err != nil {
		return nil, err
	}
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, join(r.base, path), reader)
	if err != nil {
		return nil, fmt.Errorf("path %q makes no URL", path)
	}
	req.GetBody = nil
	switch {
	case r.form != nil:
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	case len(body) > 0 && (body[0] == '{' || body[0] == '['):
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range r.headers {
		value, err := h.value.Fill(v)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", h.name, err)
		}
		if strings.EqualFold(h.name, "host") {
			req.Host = value
			continue
		}
		req.Header.Set(h.name, value)
	}
	return req, nil
}

// content returns the body, or nil if there is none.
func (r *Request) content(v Vars) ([]byte, error) {
	if r.form != nil {
		form := url.Values{}
		for _, f := range r.form {
			value, err := f.value.Fill(v)
			if err != nil {
				return nil, fmt.Errorf("form field %s: %w", f.name, err)
			}
			form.Set(f.name, value)
		}
		return []byte(form.Encode()), nil
	}
	if r.body == nil {
		return nil, nil
	}
	body, err := r.body.Fill(v)
	if err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	return []byte(body), nil
}

// Capture returns the values to capture from an answer, by name. It leaves out what the
// answer does not have.
func (r *Request) Capture(a Answer, v Vars) map[string]any {
	if len(r.capture) == 0 {
		return nil
	}
	v = v.With(a.vars())
	got := map[string]any{}
	for _, c := range r.capture {
		if value, err := c.value.Value(v); err == nil && value != nil {
			got[c.name] = value
		}
	}
	return got
}

// join returns the URL of a path that may be a whole URL already.
func join(base, path string) string {
	if strings.HasPrefix(path, "http://") || strings.HasPrefix(path, "https://") {
		return path
	}
	if path != "" && path[0] != '/' && path[0] != '?' {
		path = "/" + path
	}
	return strings.TrimSuffix(base, "/") + path
}

// A compiler collects the problems of a configuration.
type compiler struct {
	lookup   Lookup
	problems []*Problem
}

// add records a problem once: the common headers are compiled for each request.
func (c *compiler) add(at string, p *Problem) {
	p.Field = at
	if !slices.ContainsFunc(c.problems, func(q *Problem) bool { return *q == *p }) {
		c.problems = append(c.problems, p)
	}
}

func (c *compiler) errorf(at, format string, args ...any) {
	c.add(at, &Problem{Reason: fmt.Sprintf(format, args...)})
}

func (c *compiler) template(at, text string, s scope) *template {
	if text == "" {
		return nil
	}
	t, p := language.ParseTemplate(text, s, c.lookup)
	if p != nil {
		c.add(at, p)
	}
	return t
}

func (c *compiler) expression(at, text string, s scope) *expression {
	return c.compiled(at, text, s, false)
}

func (c *compiler) condition(at, text string, s scope) *expression {
	return c.compiled(at, text, s, true)
}

func (c *compiler) compiled(at, text string, s scope, condition bool) *expression {
	if text == "" {
		return nil
	}
	e, p := language.Compile(text, s, condition)
	if p != nil {
		c.add(at, p)
	}
	return e
}

func (c *compiler) fields(at string, texts map[string]string, s scope) []field {
	var all []field
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		t := c.template(at+"."+name, texts[name], s)
		if t == nil {
			t = &template{}
		}
		all = append(all, field{name, t})
	}
	return all
}

// request compiles a request. The headers of all requests come before its own. at is its
// place in the configuration, followed by a point.
func (c *compiler) request(at string, r sut.HTTPRequest, base string, all map[string]string, s scope) *Request {
	headers := maps.Clone(all)
	if headers == nil {
		headers = map[string]string{}
	}
	for name := range r.Headers {
		maps.DeleteFunc(headers, func(other, _ string) bool { return strings.EqualFold(name, other) })
	}
	got := &Request{
		method: r.Method, base: base,
		path:    c.template(at+"path", r.Path, s),
		headers: append(c.fields("headers", headers, s), c.fields(at+"headers", r.Headers, s)...),
		body:    c.template(at+"body", r.Body, s),
		form:    c.fields(at+"form", r.Form, s),
	}
	if got.method == "" {
		got.method = http.MethodGet
		if r.Body != "" || r.Form != nil {
			got.method = http.MethodPost
		}
	}
	if r.Body != "" && r.Form != nil {
		c.errorf(at+"form", "body and form are two bodies; leave one of them out")
	}
	answered := s.With(answerScope())
	for _, name := range slices.Sorted(maps.Keys(r.Capture)) {
		if e := c.expression(at+"capture."+name, r.Capture[name], answered); e != nil {
			got.capture = append(got.capture, capture{name, e})
		}
	}
	return got
}

// base returns the URL to which paths are relative. The server's address is known when a
// run begins.
func (c *compiler) base(at, text, server string) string {
	if text == "" {
		return "http://" + server
	}
	expanded, p := language.Expand(text, c.lookup)
	if p != nil {
		c.add(at, p)
		return ""
	}
	u, err := url.Parse(expanded)
	if c.lookup == nil && strings.Contains(expanded, "${") {
		return expanded
	}
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" {
		c.errorf(at, "%q is no address of a server; write it as in https://api.example.com/v1", text)
	}
	return expanded
}

func names(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
