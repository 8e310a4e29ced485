package check_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/check"
	"github.com/onebar/onebar/harness/history"
)

func TestBusy(t *testing.T) {
	up := func(n int, late time.Duration) func(*script) {
		return func(s *script) { s.packets(n, harness.Up, harness.DropNone, late) }
	}
	for name, tc := range map[string]struct {
		write func(*script)
		want  string
	}{
		"on time":          {up(20, 0), ""},
		"no packet":        {func(*script) {}, ""},
		"late on average":  {up(20, 6*ms), ""},
		"one in a hundred": {func(s *script) { up(99, 0)(s); up(1, 201*ms)(s) }, ""},
		"at 200 ms":        {up(20, 200*ms), ""},
		"many in a phase":  {func(s *script) { up(18, 0)(s); up(2, 201*ms)(s) }, `in phase "start" 2 of 20 packets up came more than 200ms late`},
		"many, of few":     {up(3, 201*ms), "3 of 3 packets came more than 200ms late"},
		"waits of 200 ms":  {func(s *script) { s.waits(10, 200*ms); s.at += 4 * time.Second }, ""},
		"longer waits":     {func(s *script) { s.waits(10, 201*ms); s.at += 4 * time.Second }, `in phase "start" programs waited for a processor for 2.01s of 6.07s, more than 200ms at a time`},
		"a short time":     {func(s *script) { s.waits(10, 300*ms) }, ""},
		"most of the time": {func(s *script) { s.waits(800, 6*ms) }, `in phase "start" programs waited for a processor for 4.8s of 8.81s`},
		"half of the time": {func(s *script) { s.waits(800, 5*ms) }, ""},
		"over several phases": {func(s *script) {
			for range 3 {
				s.phase(history.Phase{Name: "short"})
				s.waits(5, 300*ms)
			}
		}, "programs waited for a processor for 4.5s of 4.59s, more than 200ms at a time"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(1)
			s.pay("p1", "o1")
			tc.write(s)
			j := check.New()
			for _, r := range s.records() {
				j.Add(r)
			}
			require.Equal(t, tc.want, j.Busy())
		})
	}
}
