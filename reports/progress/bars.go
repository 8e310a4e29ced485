package progress

import (
	"io"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/vbauerster/cupwriter"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
)

// bars is the Display of a terminal: a bar for each run under way, the total
// below them, and above them a line for each run that is over. When there are
// more runs than rows, the latest wait for a bar until another is over: bars
// beyond the upper edge would leave their remains in the scrollback.
type bars struct {
	style format.Style
	rows  func() int // of the terminal
	mpb   *mpb.Progress
	all   *mpb.Bar // nil if there is but one run
	total int
	begun time.Time

	draw sync.Mutex // one change of the set of bars at a time; taken before mu

	mu      sync.Mutex // never held while mpb is called, since mpb calls back
	done    int
	bad     int
	runs    []*running // by their start
	leaving int        // bars that are aborted, and still on the screen
	adds    int
	closed  bool
}

// bar is a bar on the screen. It outlives its run if another waits for it.
type bar struct {
	*mpb.Bar
	run *running
}

// The parts of a bar's line have fixed widths, so that the bars stand still
// whatever the states are called.
const (
	nameWidth  = 22
	countWidth = 11
	stateWidth = 16
	timeWidth  = 16
)

// spareRows are kept free of runs: the total, the cursor, and a line just done.
const spareRows = 3

// newTerminalBars returns bars on the terminal w with descriptor fd.
func newTerminalBars(w io.Writer, fd, total int) *bars {
	rows := func() int {
		_, n, err := term.GetSize(fd)
		if err != nil {
			return 24
		}
		return n
	}
	return newBars(format.StyleOf(w), total, rows,
		mpb.WithConsoleWriter(fromLineStart{cupwriter.New(w, false)}), mpb.WithRefreshRate(200*time.Millisecond))
}

// fromLineStart draws each frame from the first column. The cursor is elsewhere when the
// terminal has echoed a key, such as ^C, and mpb moves it only up.
type fromLineStart struct{ *cupwriter.Writer }

// Flush implements mpb.ConsoleWriter.
func (w fromLineStart) Flush(lines int) error {
	err := w.Writer.Flush(lines) // it leaves in the buffer what moves the cursor up before the next frame
	_ = w.WriteByte('\r')        // a buffer in memory returns no error
	return err
}

func newBars(s format.Style, total int, rows func() int, options ...mpb.ContainerOption) *bars {
	b := &bars{style: s, total: total, rows: rows, begun: time.Now()}
	b.mpb = mpb.New(append(options, mpb.PopCompletedMode())...)
	if total > 1 {
		b.all = b.add(math.MaxInt, func() running {
			r := running{name: "all scenarios", done: b.done, planned: b.total, state: "done", begun: b.begun}
			if b.bad > 0 {
				r.state = strconv.Itoa(b.bad) + " not pass"
			}
			return r
		})
		if b.all != nil {
			b.all.SetTotal(int64(total), false)
		}
	}
	return b
}

// add adds a bar that shows what now returns; now is called with b.mu held. It
// returns nil if the terminal went away or the bars are closed.
func (b *bars) add(priority int, now func() running) *mpb.Bar {
	field := func(n int, right bool, text func(running) string) decor.Decorator {
		return decor.Any(func(decor.Statistics) string {
			b.mu.Lock()
			r := now()
			b.mu.Unlock()
			return format.Pad(format.Fit(format.Clean(text(r)), n), n, right)
		})
	}
	style := mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding(" ").Rbound("]")
	// A bar made with a total would go away by itself when it is full.
	made, err := b.mpb.Add(0, style.Build(),
		mpb.BarPriority(priority),
		mpb.BarNoPop(),
		mpb.PrependDecorators(field(nameWidth, false, func(r running) string { return r.name })),
		mpb.AppendDecorators(
			field(countWidth, true, func(r running) string { return r.count() }),
			field(stateWidth+1, false, func(r running) string { return " " + r.state }),
			field(timeWidth, true, func(r running) string { return elapsed(r.begun, r.share()) }),
		))
	if err != nil {
		return nil
	}
	return made
}

// waiting returns the first run without a bar, or nil. It needs b.mu.
func (b *bars) waiting() *running {
	return first(b.runs, func(r *running) bool { return r.bar == nil })
}

// Start implements Display.
func (b *bars) Start(name string, _ uint64, planned int) {
	b.draw.Lock()
	defer b.draw.Unlock()
	b.mu.Lock()
	b.runs = append(b.runs, &running{name: name, planned: planned, state: "starts", begun: time.Now()})
	b.mu.Unlock()
	b.fill()
}

// fill gives a bar to the first run that waits for one, if there is room. It needs b.draw.
func (b *bars) fill() {
	b.mu.Lock()
	used := b.leaving
	for _, r := range b.runs {
		if r.bar != nil {
			used++
		}
	}
	r := b.waiting()
	b.adds++
	order := b.adds
	room := !b.closed && used < max(1, b.rows()-spareRows)
	b.mu.Unlock()
	if r == nil || !room {
		return
	}
	d := &bar{run: r}
	d.Bar = b.add(order, func() running { return *d.run })
	if d.Bar != nil {
		b.give(d, r)
	}
}

// give lets bar d show run r. It needs b.draw.
func (b *bars) give(d *bar, r *running) {
	b.mu.Lock()
	d.run, r.bar = r, d
	done, planned := r.done, r.planned
	b.mu.Unlock()
	d.SetTotal(int64(max(1, planned)), false)
	d.SetCurrent(int64(min(done, planned)))
}

// plan implements display.
func (b *bars) plan(name string, planned, _ int) {
	b.mu.Lock()
	r := find(b.runs, name)
	if r != nil {
		r.planned = planned
	}
	b.mu.Unlock()
	if r == nil {
		b.Start(name, 0, planned)
		return
	}
	b.draw.Lock()
	defer b.draw.Unlock()
	if r.bar != nil {
		b.give(r.bar, r)
	}
}

// note implements display: bars have no room for lines.
func (b *bars) note(string) {}

// Update implements Display.
func (b *bars) Update(name string, done int, state string) {
	b.mu.Lock()
	r := find(b.runs, name)
	if r == nil {
		b.mu.Unlock()
		return
	}
	r.done, r.state = done, state
	drawn, planned := r.bar, r.planned
	b.mu.Unlock()
	if drawn != nil {
		drawn.SetCurrent(int64(min(done, planned)))
	}
}

// Done implements Display.
func (b *bars) Done(res result.Result) {
	b.draw.Lock()
	defer b.draw.Unlock()
	b.mu.Lock()
	var free *bar
	if r := find(b.runs, res.Scenario.Name); r != nil {
		free = r.bar
		b.runs = remove(b.runs, r)
	}
	next := b.waiting()
	b.done++
	if res.Exit() != result.ExitPass {
		b.bad++
	}
	nth, closed := b.done, b.closed
	b.mu.Unlock()
	if closed {
		return
	}
	// A write error means that the terminal went away: nobody watches.
	_, _ = io.WriteString(b.mpb, doneLine(b.style, res, nth, b.total)+"\n")
	if b.all != nil {
		b.all.SetCurrent(int64(nth))
	}
	switch {
	case free == nil:
	case next != nil:
		b.give(free, next)
	default:
		b.mu.Lock()
		b.leaving++
		b.mu.Unlock()
		free.Abort(true)
		go b.left(free)
	}
}

// left waits until an aborted bar has been drawn for the last time. Then its row is free.
func (b *bars) left(d *bar) {
	d.Wait()
	b.draw.Lock()
	defer b.draw.Unlock()
	b.mu.Lock()
	b.leaving--
	b.mu.Unlock()
	b.fill()
}

// Close implements Display.
func (b *bars) Close() {
	b.mu.Lock()
	var drawn []*bar
	for _, r := range b.runs {
		if r.bar != nil {
			drawn = append(drawn, r.bar)
		}
	}
	b.runs, b.closed = nil, true
	whole := b.done >= b.total
	b.mu.Unlock()
	for _, d := range drawn {
		d.Abort(true)
	}
	switch {
	case b.all == nil:
	case whole:
		b.all.SetTotal(-1, true)
	default:
		b.all.Abort(false) // it stays where it got
	}
	// What was aborted goes away with the next drawing, and Wait waits for that.
	// If the terminal does not take it, the wait is cut short.
	done := make(chan struct{})
	go func() { b.mpb.Wait(); close(done) }()
	if !over(done) {
		go b.mpb.Shutdown()
		over(done)
	}
}
