package progress

import (
	"fmt"
	"io"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
)

// Counter shows how far many runs of one scenario are: a bar on a terminal, and
// elsewhere a line whenever more runs are planned and every ten seconds. Make it
// with NewCounter; it must be closed.
type Counter struct {
	display display
	name    string
	planned int
	begun   bool
}

// display is a Display that a Counter can use.
type display interface {
	Display
	// plan says how many runs of the name are planned, 0 if there is no end, and how
	// many more that is than before. The first call starts it.
	plan(name string, planned, more int)
	// note shows a line, if there is room for lines.
	note(text string)
}

// NewCounter returns a Counter for the runs of the scenario with a name. It draws
// on w until it is closed, so nothing else should write there meanwhile. Write
// errors are ignored.
func NewCounter(w io.Writer, name string) *Counter {
	return &Counter{name: name, display: open(w, 1, "run")}
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
		c.display.plan(c.name, planned, planned-c.planned)
		c.planned, c.begun = planned, true
	}
	c.display.Update(c.name, done, state)
}

// Odd writes a line about a run that did not pass, but not on a terminal.
func (c *Counter) Odd(o result.OddRun) {
	c.display.note(fmt.Sprintf("%-8s %s, %s: %s", result.WordOf(o.Check, o.Status), format.RunOf(o), format.Clean(o.Check), format.Clean(o.Text)))
}

// Close says that the runs are over. Nothing is drawn afterwards.
func (c *Counter) Close() { c.display.Close() }
