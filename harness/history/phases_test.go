package history_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
)

func TestPhaseAt(t *testing.T) {
	const ms = time.Millisecond
	var l history.Phases[int]
	require.Equal(t, -1, l.At(0), "there is no phase")
	for i, from := range []time.Duration{10 * ms, 20 * ms, 20*ms + history.Brief/2, 30 * ms, 31 * ms} {
		l.Begin(history.Phase{}, from, int32(i+1))
	}
	for at, want := range map[time.Duration]int{
		0:                     0, // before the first one
		10 * ms:               0,
		20*ms - 1:             0,
		20 * ms:               2, // the two changes were made together
		20*ms + history.Brief: 2,
		30*ms - 1:             2,
		30 * ms:               3, // it lasts a whole millisecond
		31 * ms:               4,
		time.Hour:             4,
	} {
		require.Equal(t, want, l.At(at), at)
	}
	require.Equal(t, 20*ms, l.End(0, time.Hour))
	require.Equal(t, time.Hour, l.End(4, time.Hour))
}

func TestWays(t *testing.T) {
	var w history.Ways[int]
	s, isNew := w.Of(3, true)
	require.True(t, isNew)
	*s = 7
	s, isNew = w.Of(3, true)
	require.False(t, isNew)
	require.Equal(t, 7, *s)
	s, isNew = w.Of(3, false)
	require.True(t, isNew, "the other direction")
	require.Zero(t, *s)
	*s = 8
	_, _ = w.Of(4, true)
	var all []int
	for s := range w.All() {
		all = append(all, *s)
	}
	require.ElementsMatch(t, []int{7, 8, 0}, all)
}

func TestPathOfADirection(t *testing.T) {
	p := history.Phase{Profile: harness.Profile{Up: harness.Path{Rate: 1}, Down: harness.Path{Rate: 2}}}
	require.EqualValues(t, 1, p.Path(true).Rate)
	require.EqualValues(t, 2, p.Path(false).Rate)
}
