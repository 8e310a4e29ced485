package httpapi

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

// stepTrace reports a request and its answer as a step. Nil: steps are not reported.
type stepTrace struct {
	env     *subject.Env
	secrets *secrets
	step    harness.Step
}

// startStep begins the step of a request that is about to be sent. It returns nil if steps
// are not reported.
func startStep(env *subject.Env, s *secrets, part string, req *http.Request) *stepTrace {
	if env.Trace == nil {
		return nil
	}
	t := &stepTrace{env: env, secrets: s, step: harness.Step{Part: part, Title: req.Method + " " + req.URL.String()}}
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

// mean adds what was made of the answer.
func (t *stepTrace) mean(format string, args ...any) {
	if t != nil {
		t.step.Means = append(t.step.Means, fmt.Sprintf(format, args...))
	}
}

// keeps adds what was captured.
func (t *stepTrace) keeps(captured map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(captured)) {
		t.mean("captured.%s is %s", name, brief(captured[name]))
	}
}

// judged adds what an answer means by rules.
func (t *stepTrace) judged(rules *exchange.Rules, a exchange.Answer, v exchange.Vars, got word) {
	if t == nil {
		return
	}
	rule, broken := rules.Explain(a, v)
	for _, b := range broken {
		t.mean("not matched, as it cannot be evaluated here: %s", b)
	}
	t.answered(a)
	t.step.HTTP.Rule, t.step.HTTP.Outcome = rule, got.meaning.String()
	if rule == "" {
		t.mean("no rule matches: unknown")
		return
	}
	t.mean("%s, by the %s", got.meaning, rule)
}

// lists adds what a page of a ledger holds.
func (t *stepTrace) lists(items []any) {
	if t != nil {
		t.step.Items = items
	}
}

// kept is how much of an answer a step holds, in bytes.
const kept = 4096

// answered adds an answer.
func (t *stepTrace) answered(a exchange.Answer) {
	if t == nil || t.step.HTTP != nil || a.Status == 0 {
		return
	}
	body := strings.ToValidUTF8(string(a.Body[:min(kept, len(a.Body))]), "?")
	t.step.HTTP = &harness.HTTPAnswer{
		Status: a.Status, Type: a.Header.Get("Content-Type"), Location: a.Header.Get("Location"), Body: body,
	}
	head := []string{fmt.Sprintf("HTTP %d %s", a.Status, http.StatusText(a.Status)), t.step.HTTP.Type, t.step.HTTP.Location}
	t.step.Got = []string{strings.Join(slices.DeleteFunc(head, func(s string) bool { return s == "" }), ", ")}
	if body != "" {
		t.step.Got = append(t.step.Got, strings.Split(strings.TrimRight(body, "\n"), "\n")...)
	}
}

// end tells the step.
func (t *stepTrace) end(x exchanged, err error) {
	if t == nil {
		return
	}
	t.answered(x.answer)
	t.step.Took = x.took
	if err != nil {
		t.step.Error = err.Error()
	}
	t.env.Tell(t.hidden())
}

// hidden returns the step without the secrets of the environment that were sent, or
// that the server may have sent back.
func (t *stepTrace) hidden() harness.Step {
	s := t.step
	s.Title, s.Error = t.secrets.hide(s.Title), t.secrets.hide(s.Error)
	for _, lines := range [][]string{s.Sent, s.Got, s.Means} {
		for i, line := range lines {
			lines[i] = t.secrets.hide(line)
		}
	}
	if s.HTTP != nil {
		s.HTTP.Body, s.HTTP.Location = t.secrets.hide(s.HTTP.Body), t.secrets.hide(s.HTTP.Location)
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

// plural writes a number and its noun: "1 item", "2 items".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
