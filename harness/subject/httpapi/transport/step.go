package transport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/exchange"
	"github.com/onebar/onebar/harness/subject"
)

// Step reports a request and its answer as a harness.Step, without secrets. Its methods
// do nothing on a nil Step: then steps are not traced. It is not safe for concurrent use.
type Step struct {
	env     *subject.Env
	secrets *Secrets
	step    harness.Step
}

// StartStep starts the step of a request that is about to be sent. It returns nil if
// env.Trace is nil.
func StartStep(env *subject.Env, s *Secrets, part string, req *http.Request) *Step {
	if env.Trace == nil {
		return nil
	}
	t := &Step{env: env, secrets: s, step: harness.Step{Part: part, Title: req.Method + " " + req.URL.String()}}
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		for _, value := range req.Header[name] {
			t.step.Sent = append(t.step.Sent, name+": "+value)
		}
	}
	if req.Body != nil {
		body, _ := io.ReadAll(req.Body) // it is in memory
		req.Body = io.NopCloser(bytes.NewReader(body))
		t.step.Sent = append(t.step.Sent, strings.Split(strings.TrimRight(string(body), "\n"), "\n")...)
	}
	return t
}

// Mean adds a line about what the answer means.
func (t *Step) Mean(format string, args ...any) {
	if t != nil {
		t.step.Means = append(t.step.Means, fmt.Sprintf(format, args...))
	}
}

// Captured adds the values that were captured from the answer.
func (t *Step) Captured(captured map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(captured)) {
		t.Mean("captured.%s is %s", name, brief(captured[name]))
	}
}

// Judged adds the rule that matched an answer, and the meaning that it gave.
func (t *Step) Judged(rules *exchange.Rules, a exchange.Answer, v exchange.Vars, m exchange.Meaning) {
	if t == nil {
		return
	}
	rule, broken := rules.Explain(a, v)
	for _, b := range broken {
		t.Mean("not matched, as it cannot be evaluated here: %s", b)
	}
	t.answered(a)
	t.step.HTTP.Rule, t.step.HTTP.Outcome = rule, m.String()
	if rule == "" {
		t.Mean("no rule matches: unknown")
		return
	}
	t.Mean("%s, by the %s", m, rule)
}

// Lists adds the items of a page of a ledger.
func (t *Step) Lists(items []any) {
	if t != nil {
		t.step.Items = items
	}
}

// kept is how much of the body of an answer a step keeps, in bytes.
const kept = 4096

// answered adds an answer.
func (t *Step) answered(a exchange.Answer) {
	if t == nil || t.step.HTTP != nil || a.Status == 0 {
		return
	}
	body := t.secrets.beginning(a.Body, kept)
	t.step.HTTP = &harness.HTTPAnswer{
		Status: a.Status, Type: a.Header.Get("Content-Type"), Location: a.Header.Get("Location"), Body: body,
	}
	head := []string{fmt.Sprintf("HTTP %d %s", a.Status, http.StatusText(a.Status)), t.step.HTTP.Type, t.step.HTTP.Location}
	t.step.Got = []string{strings.Join(slices.DeleteFunc(head, func(s string) bool { return s == "" }), ", ")}
	if body != "" {
		t.step.Got = append(t.step.Got, strings.Split(strings.TrimRight(body, "\n"), "\n")...)
	}
}

// End reports the step. err is why it failed, or nil.
func (t *Step) End(x Exchange, err error) {
	if t == nil {
		return
	}
	t.answered(x.Answer)
	t.step.Took = x.Took
	if err != nil {
		t.step.Error = err.Error()
	}
	t.env.Tell(t.hidden())
}

// hidden returns the step without secrets: a request contains them, and the server may
// have echoed them.
func (t *Step) hidden() harness.Step {
	s := t.step
	s.Title, s.Error = t.secrets.Hide(s.Title), t.secrets.Hide(s.Error)
	for _, lines := range [][]string{s.Sent, s.Got, s.Means} {
		for i, line := range lines {
			lines[i] = t.secrets.Hide(line)
		}
	}
	if s.HTTP != nil {
		s.HTTP.Location = t.secrets.Hide(s.HTTP.Location)
	}
	return s
}

// brief writes a value for people.
func brief(v any) string {
	const most = 60
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if len(b) > most {
		return strings.ToValidUTF8(string(b[:most]), "") + "..."
	}
	return string(b)
}
