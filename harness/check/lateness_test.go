package check_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/check"
)

func TestBusy(t *testing.T) {
	up := func(n int, late time.Duration) func(*script) {
		return func(s *script) { s.packets(n, harness.Up, harness.DropNone, late) }
	}
	for name, tc := range map[string]struct {
		write func(*script)
		want  string
	}{
		"on time":         {up(20, 0), ""},
		"no packet":       {func(*script) {}, ""},
		"a little late":   {up(20, 5*ms), ""},
		"late in a phase": {up(20, 6*ms), `in phase "start" packets up came 6ms late on average`},
		"late, and few":   {up(3, 6*ms), "packets came 6ms late on average"},
		"late in a phase of a run that is not": {func(s *script) {
			up(20, 6*ms)(s)
			s.packets(200, harness.Down, harness.DropNone, 0)
		}, `in phase "start" packets up came 6ms late on average`},
		"one that waited for a time-out": {func(s *script) { up(99, 0)(s); up(1, 201*ms)(s) }, "1 of 100 packets came more than 200ms late"},
		"a twentieth of a long way": {func(s *script) {
			s.phase(harness.Phase{Name: "geo", Profile: harness.Profile{Up: harness.Path{Delay: 250 * ms}}})
			up(20, 12*ms)(s)
			s.packets(100, harness.Down, harness.DropNone, 0)
		}, ""},
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
