package progress

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vbauerster/cupwriter"
	"github.com/vbauerster/mpb/v8"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// passing, failing and broken are runs as a display sees them.
func passing() result.Result {
	return named("tunnel", result.Result{
		Engine: "packet", Status: result.Pass, Took: 61250 * time.Millisecond,
		Figures: result.Figures{{Name: "payments", Unit: result.Count, Value: 200}},
	})
}

func failing() result.Result {
	r := passing()
	r.Status = result.Fail
	r.Verdicts = []result.Verdict{
		{Check: "lost", Status: result.Fail, Count: 1}, {Check: "duplicated", Status: result.Fail, Count: 27},
	}
	return r
}

func broken() result.Result {
	return named("refuse-then-recover-on-a-very-slow-rural-link", result.Result{
		Engine: "packet", Error: "start the bank: listen on :7400: the port is in use: stop what uses it or choose another",
	})
}

func named(name string, r result.Result) result.Result {
	r.Scenario.Name = name
	return r
}

func TestLogLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		p := New(&b, 3)
		p.Start("tunnel", 7, 200)
		p.Start("lift", 7, 1)
		p.Update("tunnel", 41, "link edge")
		p.Update("nobody", 1, "pays")
		time.Sleep(25 * time.Second)
		synctest.Wait()
		p.Done(named("lift", failing()))
		p.Done(broken())
		p.Update("tunnel", 200, "settles")
		time.Sleep(6 * time.Second)
		synctest.Wait()
		p.Done(simulated(passing()))
		time.Sleep(time.Minute)
		p.Close()
		p.Close()
		p.Done(passing())
		p.Start("late", 7, 1)
		require.Equal(t, `start    tunnel, seed 7, 200 payments
start    lift, seed 7, 1 payment
running  tunnel, 41/200 payments, link edge; lift, 0/1 payment; 0 of 3 over, 10s, 2m16s left
running  tunnel, 41/200 payments, link edge; lift, 0/1 payment; 0 of 3 over, 20s, 4m33s left
FAIL     lift, 200 payments, 1 lost, 27 duplicated, 61.2s on packet (1/3)
BROKEN   refuse-then-recover-on-a-very-slow-rural-link (2/3): start the bank: listen on :7400: the port is in use: stop what uses it or choose another
running  tunnel, 200/200 payments, settles; 2 of 3 over, 30s
PASS     tunnel, 200 payments, 61.2s on sim (3/3)
`, b.String())
	})
}

// simulated is a result of the engine whose time is virtual.
func simulated(r result.Result) result.Result {
	r.Engine = "sim"
	return r
}

func TestLogLinesNameAFewOfMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		p := New(&b, 40)
		for i := range 40 {
			p.Start(fmt.Sprint("s", i), 7, 10)
		}
		time.Sleep(stillEvery)
		synctest.Wait()
		p.Close()
		require.Contains(t, b.String(), "\nrunning  s0, 0/10 payments; s1, 0/10 payments; s2, 0/10 payments; s3, 0/10 payments and 36 more; 0 of 40 over, 10s\n")
	})
}

// stuck is a pipe whose reader has stopped reading.
type stuck struct{ entered, release chan struct{} }

func (s stuck) Write(b []byte) (int, error) {
	select {
	case s.entered <- struct{}{}:
	default:
	}
	<-s.release
	return len(b), nil
}

// A reader that stops reading must not hold up payments, nor the end. This is
// in real time: a bubble's time stands still while a goroutine waits for a lock.
func TestAStuckReaderHoldsUpNothing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("Close waits for a second or two")
	}
	for name, open := range map[string]func(io.Writer) Display{
		"log": func(w io.Writer) Display { return newLogLines(w, 2, "payment") },
		"bars": func(w io.Writer) Display {
			return newBars(format.Style{}, 2, func() int { return 24 }, mpb.WithOutput(w), mpb.WithAutoRefresh())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := stuck{make(chan struct{}, 1), make(chan struct{})}
			p := open(w)
			var callers sync.WaitGroup
			callers.Go(func() { p.Start("tunnel", 7, 10) })
			<-w.entered
			callers.Go(func() { p.Done(passing()) })
			ended := make(chan struct{})
			go func() {
				p.Update("tunnel", 3, "pays")
				p.Close()
				close(ended)
			}()
			select {
			case <-ended:
			case <-time.After(time.Minute):
				t.Error("Update or Close waits for the reader")
			}
			close(w.release)
			callers.Wait()
			<-ended
		})
	}
}

// screen draws bars on request.
type screen struct {
	bars   *bars
	buf    bytes.Buffer
	redraw chan any
}

func newScreen(total, rows int) *screen {
	s := &screen{redraw: make(chan any)}
	s.bars = newBars(format.Style{}, total, func() int { return rows },
		mpb.WithOutput(&s.buf), mpb.WithManualRefresh(s.redraw), mpb.WithWidth(80))
	return s
}

// draw returns what is on the screen now.
func (s *screen) draw() string {
	s.buf.Reset()
	s.redraw <- time.Now()
	synctest.Wait()
	text := s.buf.String()
	// mpb moves the cursor up over what it drew before.
	if i := strings.LastIndex(text, "\x1b[J"); i >= 0 && i+3 < len(text) {
		text = text[i+3:]
	}
	text, _, _ = strings.Cut(text, "\x1b[")
	return text
}

func TestBars(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScreen(3, 24)
		defer s.bars.Close()
		s.bars.Start("tunnel", 7, 200)
		s.bars.Start("決済 in the 地下鉄 of a big city", 7, 10)
		s.bars.Update("tunnel", 100, "a phase with a long name")
		s.bars.Update("nobody", 1, "pays")
		time.Sleep(65 * time.Second)
		require.Equal(t, ""+
			"tunnel                 [====>     ]     100/200 a phase with a … 1m5s, 1m5s left\n"+
			"決済 in the 地下鉄 of… [          ]        0/10 starts                      1m5s\n"+
			"all scenarios          [          ]         0/3 done                        1m5s\n", s.draw())

		s.bars.Done(passing())
		s.bars.Done(broken()) // it never started
		s.draw()
		s.draw()
		require.Equal(t, ""+
			"決済 in the 地下鉄 of… [          ]        0/10 starts                      1m5s\n"+
			"all scenarios          [======>   ]         2/3 1 not pass        1m5s, 33s left\n", s.draw())
		s.bars.Close() // with a run unfinished, and nobody draws
		s.bars.Done(passing())
		s.bars.Start("late", 7, 10)
		s.bars.Update("late", 1, "pays")
	})
}

func TestBarsWriteALineForEachRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScreen(2, 24)
		defer s.bars.Close()
		s.bars.Start("tunnel", 7, 200)
		s.bars.Done(passing())
		require.Contains(t, s.draw(), "PASS     tunnel, 200 payments, 61.2s on packet (1/2)\n")
		s.bars.style.Width = 40
		s.bars.Done(broken())
		require.Contains(t, s.draw(), "BROKEN   refuse-then-recover-on-a-very-…\n")
	})
}

// More runs than rows: the latest wait, and take over the bars of those done.
func TestBarsNeverExceedTheScreen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const total, rows = 40, 24
		s := newScreen(total, rows)
		defer s.bars.Close()
		for i := range total {
			s.bars.Start(fmt.Sprintf("s%02d", i), 7, 10)
		}
		seen := map[string]bool{}
		for i := range total {
			drawn := s.draw()
			bars := 0
			for line := range strings.Lines(drawn) {
				if strings.Contains(line, "[") {
					bars++
					seen[line[:3]] = true
				}
			}
			require.Less(t, bars, rows, drawn)
			if left := total - i; left > 2 {
				require.GreaterOrEqual(t, bars, min(left, rows-spareRows), drawn)
			}
			s.bars.Update(fmt.Sprintf("s%02d", i), 10, "settles")
			s.bars.Done(named(fmt.Sprintf("s%02d", i), passing()))
		}
		for i := range total {
			require.True(t, seen[fmt.Sprintf("s%02d", i)], "run %d never had a bar", i)
		}
	})
}

// A key that the terminal echoes moves the cursor: the next frame begins at the first
// column all the same.
func TestEachFrameBeginsAtTheFirstColumn(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := fromLineStart{cupwriter.New(&b, true)}
	for _, frame := range []string{"tunnel 1/2\nall 0/2\n", "tunnel 2/2\nall 0/2\n"} {
		_, err := w.ReadFrom(strings.NewReader(frame))
		require.NoError(t, err)
		require.NoError(t, w.Flush(2))
	}
	require.Equal(t, "tunnel 1/2\nall 0/2\n\x1b[2A\x1b[J\rtunnel 2/2\nall 0/2\n", b.String())
}

// A bar stays on the screen until the next frame after its run is over: until then its row
// is not free.
func TestBarsThatLeaveTakeRows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const rows = 10
		s := newScreen(3*rows, rows)
		defer s.bars.Close()
		for round := range 3 {
			for i := range rows - spareRows {
				s.bars.Start(fmt.Sprint("s", round, i), 7, 10)
			}
			for range 3 {
				drawn := s.draw()
				require.Less(t, strings.Count(drawn, "["), rows, drawn)
			}
			require.Equal(t, rows-spareRows+1, strings.Count(s.draw(), "["), "each run has a bar, beside all")
			for i := range rows - spareRows {
				s.bars.Done(named(fmt.Sprint("s", round, i), passing()))
			}
		}
	})
}

func TestASingleRunHasNoTotal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScreen(1, 24)
		defer s.bars.Close()
		s.bars.Start("tunnel", 7, 0)
		s.bars.Update("tunnel", 3, "pays")
		require.Equal(t, "tunnel                 [          ]           3 pays                          0s\n", s.draw())
		s.bars.Done(passing())
	})
}

func TestProgressTakesConcurrentRuns(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]Display{
		"log":  newLogLines(io.Discard, 40, "payment"),
		"bars": newBars(format.Style{}, 40, func() int { return 12 }, mpb.WithOutput(io.Discard), mpb.WithAutoRefresh(), mpb.WithRefreshRate(time.Millisecond)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var wg sync.WaitGroup
			for i := range 40 {
				wg.Go(func() {
					name := fmt.Sprint("s", i)
					p.Start(name, 7, 100)
					for done := range 101 {
						p.Update(name, done, "pays")
					}
					if i%7 > 0 { // some are cut off
						p.Done(named(name, passing()))
					}
				})
			}
			if name == "log" {
				wg.Wait()
			}
			p.Close() // bars: perhaps amid the runs, as after Ctrl-C
			wg.Wait()
		})
	}
}

// gone is a terminal that was closed.
type gone struct{}

func (gone) Write([]byte) (int, error) { return 0, errors.New("input/output error") }

func TestATerminalThatGoesAwayEndsNothing(t *testing.T) {
	t.Parallel()
	p := newBars(format.Style{}, 2, func() int { return 24 }, mpb.WithOutput(gone{}), mpb.WithAutoRefresh(), mpb.WithRefreshRate(time.Millisecond))
	for i := range 50 {
		name := fmt.Sprint("s", i)
		p.Start(name, 7, 10)
		p.Update(name, 5, "pays")
		p.Done(named(name, passing()))
	}
	p.Close()
}

func TestNoTerminalGetsPlainLines(t *testing.T) {
	t.Parallel()
	file, err := os.Create(t.TempDir() + "/log")
	require.NoError(t, err)
	defer file.Close()
	p := New(file, 1)
	defer p.Close()
	require.IsType(t, &logLines{}, p)
	require.Equal(t, format.Style{}, format.StyleOf(file), "no colours in a file")
}
