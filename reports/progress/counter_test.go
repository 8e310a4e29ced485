package progress

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
)

func TestCounterNamesOddRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		c := NewCounter(&b, "bad-day")
		c.Say(1, 0, "20/s")
		c.Odd(result.OddRun{Scenario: "bad-day", Seed: 12, Check: "lost", Status: result.Fail, Text: "1 payment lost: p1 (order o1)"})
		time.Sleep(11 * time.Second)
		synctest.Wait()
		c.Close()
		require.Equal(t, `start    bad-day
FAIL     bad-day, seed 12, lost: 1 payment lost: p1 (order o1)
running  bad-day, 1 run, 20/s, 10s
`, b.String())
	})
}

func TestCounterLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		c := NewCounter(&b, "edge")
		c.Set(0, 0, 72)
		c.Set(30, 0, 72)
		time.Sleep(11 * time.Second)
		synctest.Wait()
		c.Set(72, 2, 8138)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		c.Close()
		require.Equal(t, `start    edge, 72 runs
running  edge, 30/72 runs, 10s, 14s left
start    edge, 8066 runs
running  edge, 72/8138 runs, 2 not pass, 20s, 37m21s left
`, b.String())
	})
}

func TestCounterBar(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		screen := newScreen(1, 24)
		c := &Counter{name: "edge", display: screen.bars}
		c.Set(0, 0, 72)
		require.Contains(t, screen.draw(), "0/72")
		c.Set(72, 2, 8138)
		require.Contains(t, screen.draw(), "72/8138 2 not pass")
		c.Close() // and nobody draws
	})
}
