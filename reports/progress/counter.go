package progress

import (
	"fmt"
	"io"
	"os"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
)

// Counter shows how far many runs of one scenario are: a bar on a terminal, and
// elsewhere a line whenever more runs are planned and every ten seconds. Make it
// with NewCounter; it must be closed.
type Counter struct {
	progress Display
	name     string
	planned  int
	begun    bool
	plan     func(planned int)
	note     func(text string)
}

// NewCounter returns a Counter for the runs of the scenario with a name. It draws
// on w until it is closed, so nothing else should write there meanwhile. Write
// errors are ignored.
func NewCounter(w io.Writer, name string) *Counter {
	c := &Counter{name: name}
	if fd, ok := format.Terminal(w); ok && os.Getenv("TERM") != "dumb" {
		c.drawn(newTerminalBars(w, fd, 1))
	} else {
		c.written(newLogLines(w, 1))
	}
	return c
}

// drawn counts with a bar.
func (c *Counter) drawn(b *bars) {
	c.progress = b
	c.note = func(string) {} // there is no room for lines
	c.plan = func(planned int) {
		if !c.begun {
			b.Start(c.name, 0, planned)
		}
		b.replan(c.name, planned)
	}
}

// replan changes how much of a run is planned.
func (b *bars) replan(name string, planned int) {
	b.draw.Lock()
	defer b.draw.Unlock()
	b.mu.Lock()
	var r *barRun
	if i := b.find(name); i >= 0 {
		r = b.runs[i]
		r.planned = planned
	}
	b.mu.Unlock()
	if r != nil && r.bar != nil {
		b.give(r.bar, r)
	}
}

// written counts with lines.
func (c *Counter) written(l *logLines) {
	c.progress = l
	c.note = func(text string) { l.print(func() string { return text }) }
	c.plan = func(planned int) {
		l.print(func() string {
			if !c.begun {
				l.running = append(l.running, &running{name: c.name})
			}
			l.running[0].planned = planned
			if planned == 0 {
				return "start    " + format.Clean(c.name)
			}
			return fmt.Sprintf("start    %s, %s", format.Clean(c.name), format.Plural(planned-c.planned, "run"))
		})
	}
}

// Set says how many runs are done, how many of them did not pass, and how many are
// planned so far. It must not be called by two goroutines at once.
func (c *Counter) Set(done, bad, planned int) {
	state := ""
	if bad > 0 {
		state = fmt.Sprintf("%d not pass", bad)
	}
	c.Say(done, planned, state)
}

// Say is Set with a word or two of its own; planned is 0 if there is no end.
func (c *Counter) Say(done, planned int, state string) {
	if planned != c.planned || !c.begun {
		c.plan(planned)
		c.planned, c.begun = planned, true
	}
	c.progress.Update(c.name, done, state)
}

// Odd writes a line about a run that did not pass, but not on a terminal.
func (c *Counter) Odd(o result.OddRun) {
	c.note(fmt.Sprintf("%-8s %s, %s: %s", format.OddWord(o.Check, o.Status), format.RunOf(o), format.Clean(o.Check), format.Clean(o.Text)))
}

// Close says that the runs are over. Nothing is drawn afterwards.
func (c *Counter) Close() { c.progress.Close() }
