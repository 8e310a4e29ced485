package onebartest

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
)

// panics are the panics of handlers that net/http has recovered from. It writes them to
// the log only (http.Server.ErrorLog): to that of package log, or to Bench.Log.
type panics struct {
	mu    sync.Mutex
	count int
	first string // the first: when, what and where
}

// panicked is what net/http writes, and the stack of the goroutine after it.
var panicked = regexp.MustCompile(`(?s)\bhttp2?: panic serving \S+: (.*?)\ngoroutine \d+ [^\n]*\n(.*)`)

// heard takes a message of a log.
func (p *panics) heard(start time.Time, text string) {
	m := panicked.FindStringSubmatch(text)
	if m == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count++; p.count > 1 {
		return
	}
	p.first = fmt.Sprintf("%.3fs into the run: %s", time.Since(start).Seconds(), strings.Join(strings.Fields(m[1]), " "))
	if at := culprit(m[2]); at != "" {
		p.first += ", in " + at
	}
}

// culprit returns the function that panicked, and its line, from a stack: the first after
// the call of panic that is not of the runtime.
func culprit(stack string) string {
	_, stack, _ = strings.Cut(stack, "\npanic(")
	lines := strings.Split(stack, "\n")
	for i := 2; i+1 < len(lines); i += 2 {
		name, place := path.Base(lines[i]), path.Base(strings.TrimSpace(lines[i+1]))
		if strings.HasPrefix(lines[i], "runtime.") || name == "" {
			continue
		}
		name, _, _ = strings.Cut(strings.NewReplacer("(*", "*", ").", ".").Replace(name), "(")
		place, _, _ = strings.Cut(place, " +0x")
		return name + " (" + place + ")"
	}
	return ""
}

// notes returns a note about the panics, if there are any.
func (p *panics) notes() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count == 0 {
		return nil
	}
	return []string{fmt.Sprintf("a handler of the server panicked %s, and net/http recovered it; the first %s", harness.Plural(p.count, "time"), p.first)}
}

// watch hears what goes to package log until stop is called, and returns a log that
// hears what goes to l.
func (p *panics) watch(env harness.Env, l *slog.Logger) (heard *slog.Logger, stop func()) {
	before := log.Writer()
	log.SetOutput(hearing{before, p, env.Start})
	return slog.New(handler{l.Handler(), p, env.Start}), func() { log.SetOutput(before) }
}

// hearing is a writer of a log.
type hearing struct {
	io.Writer
	panics *panics
	start  time.Time
}

// Write implements io.Writer.
func (h hearing) Write(b []byte) (int, error) {
	h.panics.heard(h.start, string(b))
	return h.Writer.Write(b)
}

// handler is a slog.Handler that hears.
type handler struct {
	slog.Handler
	panics *panics
	start  time.Time
}

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	h.panics.heard(h.start, r.Message)
	if !h.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// Enabled implements slog.Handler: a panic is heard whatever the level of the log.
func (h handler) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(a []slog.Attr) slog.Handler {
	h.Handler = h.Handler.WithAttrs(a)
	return h
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	return h
}
