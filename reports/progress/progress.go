// Package progress shows how far runs are while they are made: bars on a terminal, and
// lines elsewhere. [New] is for a batch of scenarios, [NewCounter] for many runs of one.
package progress

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
)

// Display shows the progress of a batch of runs. Its methods may be called
// from several goroutines at once. A run is known by its name, which is unique
// among those under way; what is said of a run that is not under way is
// ignored, except for Done, which also counts a run that never started.
type Display interface {
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
	// nothing any more. Every Display must be closed.
	Close()
}

// New returns a Display for total runs: bars if w is a terminal, a
// line at the start and the end of each run elsewhere. It draws on w until it is
// closed, so nothing else should write there meanwhile. Write errors are
// ignored: a run does not fail because nobody watches.
func New(w io.Writer, total int) Display { return open(w, total, "payment") }

// open returns a display for total runs, whose counts are of what one thing is called.
func open(w io.Writer, total int, one string) display {
	if fd, ok := format.Terminal(w); ok && os.Getenv("TERM") != "dumb" {
		return newTerminalBars(w, fd, total)
	}
	return newLogLines(w, total, one)
}

// doneLine is the line that stays of a run, cut at the edge of the terminal.
func doneLine(s format.Style, r result.Result, nth, total int) string {
	w := result.Word(r.Exit())
	text := format.Pad(w, len("UNKNOWN"), false) + "  " + format.Clean(format.Title(r))
	if f, ok := r.Figures.Get("payments"); ok {
		text += ", " + harness.Plural(int64(f.Value), "payment")
	}
	for _, check := range []string{"lost", "duplicated"} {
		if n := r.Verdict(check).Count; n > 0 {
			text += ", " + strconv.Itoa(n) + " " + check
		}
	}
	if r.Took > 0 {
		text += ", " + format.Duration(r.Took)
		if r.Engine != "" {
			text += " on " + format.Clean(r.Engine)
		}
	}
	text += fmt.Sprintf(" (%d/%d)", nth, total)
	if r.Error != "" {
		text += ": " + format.Clean(r.Error)
	}
	if s.Width > 0 {
		text = format.Fit(text, s.Width)
	}
	if rest, ok := strings.CutPrefix(text, w); ok {
		return s.Paint(format.ColourOf(w), w) + rest
	}
	return text
}

// elapsed writes how long something takes so far, of which a share is done, and about how
// long the rest takes if it goes on like that.
func elapsed(since time.Time, share float64) string {
	took := time.Since(since)
	text := took.Truncate(time.Second).String()
	if rest := float64(took) * (1 - share) / share; share > 0 && share < 1 && rest < maxRest {
		text += ", " + time.Duration(rest).Round(time.Second).String() + " left"
	}
	return text
}

// maxRest is the longest rest that is told: from too little that is done nothing follows.
const maxRest = float64(24 * time.Hour)

// shareOf returns which share of so many runs is done, of which some are over and some under
// way.
func shareOf(total, over int, underWay []*running) float64 {
	done := float64(over)
	for _, r := range underWay {
		done += r.share()
	}
	return done / float64(max(total, 1))
}

// closeTime is how long Close waits for the terminal, twice at most.
const closeTime = time.Second

// over reports whether done was closed within closeTime.
func over(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	case <-time.After(closeTime):
		return false
	}
}
