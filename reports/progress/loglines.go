package progress

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
)

// stillEvery is how often a log says which runs are under way.
const stillEvery = 10 * time.Second

// shownRunning is how many of them it names.
const shownRunning = 4

// logLines is the Display of a pipe or a file.
type logLines struct {
	out   sync.Mutex // one line at a time; taken before mu
	w     io.Writer
	total int
	one   string // what one of a run's counts is called
	begun time.Time

	mu      sync.Mutex // never held while w is written
	done    int
	running []*running
	closed  bool

	stop    chan struct{} // closed by Close
	stopped chan struct{} // closed when remind has ended
}

// running is a run under way.
type running struct {
	name          string
	done, planned int
	state         string

	// Of a terminal only.
	begun time.Time
	bar   *bar // nil while it waits for one
}

// find returns the run with the name, or nil.
func find(runs []*running, name string) *running {
	return first(runs, func(r *running) bool { return r.name == name })
}

// first returns the first run that matches, or nil.
func first(runs []*running, match func(*running) bool) *running {
	if i := slices.IndexFunc(runs, match); i >= 0 {
		return runs[i]
	}
	return nil
}

// remove returns runs without r.
func remove(runs []*running, r *running) []*running {
	return slices.DeleteFunc(runs, func(o *running) bool { return o == r })
}

// told is the run as part of a line, with counts of what one of them is called.
func (r *running) told(one string) string {
	text := format.Clean(r.name) + ", " + r.count() + " " + one
	if r.planned > 1 || r.planned == 0 && r.done != 1 {
		text += "s"
	}
	if r.state != "" {
		text += ", " + format.Clean(r.state)
	}
	return text
}

// share is how much of the run is done, from 0 to 1; without an end it is 0.
func (r *running) share() float64 {
	if r.planned == 0 {
		return 0
	}
	return min(1, float64(r.done)/float64(r.planned))
}

// count is how much is done, of what is planned if there is an end.
func (r *running) count() string {
	if r.planned == 0 {
		return strconv.Itoa(r.done)
	}
	return strconv.Itoa(r.done) + "/" + strconv.Itoa(r.planned)
}

func newLogLines(w io.Writer, total int, one string) *logLines {
	l := &logLines{w: w, total: total, one: one, begun: time.Now(), stop: make(chan struct{}), stopped: make(chan struct{})}
	go l.remind()
	return l
}

// remind says every stillEvery what is under way, for who watches a CI's log.
func (l *logLines) remind() {
	defer close(l.stopped)
	tick := time.NewTicker(stillEvery)
	defer tick.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-tick.C:
			l.print(l.still)
		}
	}
}

// print writes the line that compose returns, if any. It calls compose with
// l.mu held.
func (l *logLines) print(compose func() string) {
	l.out.Lock()
	defer l.out.Unlock()
	l.mu.Lock()
	text := compose()
	closed := l.closed
	l.mu.Unlock()
	if text != "" && !closed {
		_, _ = io.WriteString(l.w, text+"\n") // a run does not fail because nobody watches
	}
}

func (l *logLines) still() string {
	if len(l.running) == 0 {
		return ""
	}
	var names []string
	for _, r := range l.running[:min(shownRunning, len(l.running))] {
		names = append(names, r.told(l.one))
	}
	text := strings.Join(names, "; ")
	if more := len(l.running) - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if l.total > 1 {
		text += fmt.Sprintf("; %d of %d over", l.done, l.total)
	}
	return fmt.Sprintf("running  %s, %s", text, elapsed(l.begun, shareOf(l.total, l.done, l.running)))
}

// Start implements Display.
func (l *logLines) Start(name string, seed uint64, planned int) {
	l.print(func() string {
		l.running = append(l.running, &running{name: name, planned: planned})
		return fmt.Sprintf("start    %s, seed %d, %s", format.Clean(name), seed, harness.Plural(planned, "payment"))
	})
}

// plan implements display.
func (l *logLines) plan(name string, planned, more int) {
	l.print(func() string {
		r := find(l.running, name)
		if r == nil {
			r = &running{name: name}
			l.running = append(l.running, r)
		}
		r.planned = planned
		if planned == 0 {
			return "start    " + format.Clean(name)
		}
		return fmt.Sprintf("start    %s, %s", format.Clean(name), harness.Plural(more, "run"))
	})
}

// note implements display.
func (l *logLines) note(text string) { l.print(func() string { return text }) }

// Update implements Display.
func (l *logLines) Update(name string, done int, state string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := find(l.running, name); r != nil {
		r.done, r.state = done, state
	}
}

// Done implements Display.
func (l *logLines) Done(r result.Result) {
	l.print(func() string {
		l.running = remove(l.running, find(l.running, r.Scenario.Name))
		l.done++
		return doneLine(format.Style{}, r, l.done, l.total)
	})
}

// Close implements Display.
func (l *logLines) Close() {
	l.mu.Lock()
	first := !l.closed
	l.closed = true
	l.mu.Unlock()
	if first {
		close(l.stop)
	}
	over(l.stopped)
}
