package reports

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/onebar/onebar/harness/result"
)

// Progress is told how a batch of runs comes along. Its methods may be called
// from several goroutines at once. A run is known by its name, which is unique
// among those under way; what is said of a run that is not under way is
// ignored, but for Done, which also counts a run that never started.
type Progress interface {
	// Start says that a run begins, of which so many payments are planned.
	Start(name string, seed uint64, planned int)
	// Update says how many payments of the run are done, and in a word or two
	// what it is about: "pays", "settles", the name of a phase. It never waits
	// for the terminal, so that a terminal that is held up does not hold up
	// payments; Start and Done may.
	Update(name string, done int, state string)
	// Done says that the run is over.
	Done(r result.Result)
	// Close says that all runs are over, finished or not. Nothing is drawn
	// afterwards. It returns at once, or after two seconds if the terminal takes
	// nothing any more. Every Progress must be closed.
	Close()
}

// NewProgress returns a Progress for total runs: bars if w is a terminal, a
// line at the start and the end of each run elsewhere. It draws on w until it is
// closed, so nothing else should write there meanwhile. Write errors are
// ignored: a run does not fail because nobody watches.
func NewProgress(w io.Writer, total int) Progress {
	if fd, ok := terminal(w); ok && os.Getenv("TERM") != "dumb" {
		return newTerminalBars(w, fd, total)
	}
	return newLogLines(w, total)
}

// virtual is the engine that takes another time than the clock's.
const virtual = "sim"

// doneLine is the line that stays of a run, cut at the edge of the terminal.
func doneLine(s style, r result.Result, nth, total int) string {
	w := word(r.Exit())
	text := pad(w, len("UNKNOWN"), false) + "  " + clean(title(r))
	if f, ok := r.Figures.Get("payments"); ok {
		text += ", " + figure(f) + " payments"
	}
	for _, check := range []string{"lost", "duplicated"} {
		if n := r.Verdict(check).Count; n > 0 {
			text += ", " + strconv.Itoa(n) + " " + check
		}
	}
	if r.Took > 0 {
		text += ", " + duration(r.Took)
		if r.Engine == virtual {
			text += " simulated"
		}
	}
	text += fmt.Sprintf(" (%d/%d)", nth, total)
	if r.Error != "" {
		text += ": " + clean(r.Error)
	}
	if s.width > 0 {
		text = fit(text, s.width)
	}
	if rest, ok := strings.CutPrefix(text, w); ok {
		return s.paint(colourOf(w), w) + rest
	}
	return text
}

// elapsed writes how long something takes so far.
func elapsed(since time.Time) string {
	return time.Since(since).Truncate(time.Second).String()
}

// patience is how long Close waits for the terminal, twice at most.
const patience = time.Second

// over reports whether done was closed within patience.
func over(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	case <-time.After(patience):
		return false
	}
}
