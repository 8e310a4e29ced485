package radio_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/radio"
)

// span is a stretch of time in a state.
type span struct {
	state    string
	from, to time.Duration
}

// naive3G is EnergyBox's 3G machine written down a second time from its rules,
// with the whole trace at hand and no machine: it asks for each packet what the
// radio did from it to the next one.
func naive3G(packets []radio.Packet) []span {
	const (
		dchToFACH, fachToIdle, idleToDCH = 4100 * time.Millisecond, 5600 * time.Millisecond, 1700 * time.Millisecond
		header                           = 16
	)
	state := "IDLE"
	var spans []span
	now := time.Duration(0)
	stay := func(until time.Duration) {
		spans = append(spans, span{state, now, until})
		now = until
	}
	queued, since := map[harness.Direction]int{}, map[harness.Direction]time.Duration{}
	for i, p := range packets {
		size := p.Size + header
		if i == 0 {
			stay(p.At)
		}
		next := time.Duration(1<<62 - 1)
		if i+1 < len(packets) {
			next = packets[i+1].At
		}
		switch state {
		case "IDLE":
			switch {
			case p.Direction == harness.Up && size > 1000:
				if p.At+idleToDCH < next {
					stay(p.At + idleToDCH)
				}
				state = "DCH"
			case p.Direction == harness.Down && size > 515:
				state = "DCH"
			default:
				state = "FACH"
			}
			queued = map[harness.Direction]int{}
		case "FACH":
			empties, limit := 30*time.Millisecond, 515
			if p.Direction == harness.Up {
				empties, limit = time.Duration(queued[harness.Up])*1200*time.Microsecond+10*time.Microsecond, 294
			}
			if queued[p.Direction] > 0 && p.At-since[p.Direction] > empties {
				queued[p.Direction] = 0
			}
			queued[p.Direction] += size
			since[p.Direction] = p.At
			if queued[p.Direction] > limit {
				state = "DCH"
			}
		}
		if state == "DCH" && next > p.At+dchToFACH {
			stay(p.At + dchToFACH)
			state = "FACH"
			queued = map[harness.Direction]int{}
			if next > p.At+dchToFACH+fachToIdle {
				stay(p.At + dchToFACH + fachToIdle)
				state = "IDLE"
			}
		} else if state == "FACH" && next > p.At+fachToIdle {
			stay(p.At + fachToIdle)
			state = "IDLE"
		}
		if i+1 < len(packets) {
			stay(next)
		}
	}
	return spans
}

// naiveWiFi is the same for EnergyBox's WiFi machine: a millisecond of CAM is
// CAMH if its window is high.
func naiveWiFi(packets []radio.Packet) (cam, camh time.Duration) {
	const tail, window = 220 * time.Millisecond, 50 * time.Millisecond
	bytes := map[time.Duration]int{}
	for _, p := range packets {
		bytes[p.At/window] += p.Size + 16
	}
	for i, p := range packets {
		end := p.At + tail
		if i+1 < len(packets) && packets[i+1].At < end {
			end = packets[i+1].At
		}
		for at := p.At; at < end; {
			piece := min(end, at-at%window+window)
			if bytes[at/window] > 3000 {
				camh += piece - at
			} else {
				cam += piece - at
			}
			at = piece
		}
	}
	return cam, camh
}

// trace draws packets whose gaps lie around the timers of all models, with
// payments from 0 (none) to most.
func trace(most int) *rapid.Generator[[]radio.Packet] {
	gap := rapid.OneOf(
		rapid.Int64Range(0, 1e6), rapid.Int64Range(0, 50e6), rapid.Int64Range(0, 400e6),
		rapid.Int64Range(0, 6e9), rapid.Int64Range(0, 25e9),
		rapid.SampledFrom([]int64{0, 30e6, 50e6, 100e6, 220e6, 300e6, 1.7e9, 2e9, 4e9, 4.1e9, 5.6e9, 6e9, 9.7e9, 10e9, 10.12e9, 14e9}),
	)
	size := rapid.OneOf(rapid.IntRange(0, 200), rapid.IntRange(0, 1500), rapid.SampledFrom([]int{278, 279, 499, 500, 984, 985, 320, 475, 543}))
	one := rapid.Custom(func(t *rapid.T) radio.Packet {
		return radio.Packet{
			At: time.Duration(gap.Draw(t, "gap")), Size: size.Draw(t, "size"),
			Direction: rapid.SampledFrom([]harness.Direction{harness.Up, harness.Down}).Draw(t, "dir"),
			Payment:   rapid.IntRange(0, most).Draw(t, "payment"),
		}
	})
	return rapid.Map(rapid.SliceOfN(one, 0, 60), func(packets []radio.Packet) []radio.Packet {
		for i := 1; i < len(packets); i++ {
			packets[i].At += packets[i-1].At
		}
		return packets
	})
}

func TestPropertyEnergyBox3G(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		packets := trace(0).Draw(t, "trace")
		want := map[string]time.Duration{}
		var wantChanges []radio.Change
		m, err := radio.Lookup("energybox-3g")
		require.NoError(t, err)
		last := -1
		for _, s := range naive3G(packets) {
			want[s.state] += s.to - s.from
			if i := state(m, s.state); i != last && s.to > s.from {
				wantChanges = append(wantChanges, radio.Change{At: s.from, State: i})
				last = i
			}
		}
		var got []radio.Change
		k := radio.NewMachine(m, func(c radio.Change) { got = append(got, c) })
		for _, p := range packets {
			k.Packet(p)
		}
		for _, s := range k.Finish().States {
			require.Equal(t, want[s.Name], s.Time, s.Name)
		}
		require.NotEmpty(t, got)
		end := got[len(got)-1]
		require.Zero(t, end.State, "it ends idle")
		if len(packets) > 0 {
			got = got[:len(got)-1]
		} else {
			got = nil
		}
		require.Equal(t, wantChanges, got)
	})
}

func TestPropertyEnergyBoxWiFi(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		packets := trace(0).Draw(t, "trace")
		cam, camh := naiveWiFi(packets)
		m, err := radio.Lookup("energybox-wifi")
		require.NoError(t, err)
		u := spent(m, slices.Values(packets))
		require.Equal(t, cam, u.States[1].Time)
		require.Equal(t, camh, u.States[2].Time)
	})
}

// Whatever the model and the packets: the time adds up, the changes of state say
// the same as the totals, and the joules are those of the states.
func TestPropertyUsageAddsUp(t *testing.T) {
	models := radio.Bundled()
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.SampledFrom(models).Draw(t, "model")
		packets := trace(0).Draw(t, "trace")
		spent := make([]time.Duration, len(m.States))
		var promoting, first time.Duration
		var last *radio.Change
		k := radio.NewMachine(m, func(c radio.Change) {
			if last == nil {
				first = c.At
			} else {
				require.GreaterOrEqual(t, c.At, last.At, "changes come in the order of time")
				require.NotEqual(t, last.State, c.State)
				if last.State < 0 {
					promoting += c.At - last.At
				} else {
					spent[last.State] += c.At - last.At
				}
			}
			last = &c
		})
		up, down := int64(0), int64(0)
		for _, p := range packets {
			k.Packet(p)
			if p.Direction == harness.Up {
				up += int64(p.Size + m.LinkHeader)
			} else {
				down += int64(p.Size + m.LinkHeader)
			}
		}
		u := k.Finish()
		if last != nil { // idle to the end
			require.Zero(t, last.State)
			end := u.Span + min(first, 0)
			spent[0] += end - last.At
		}
		require.Equal(t, promoting, u.Promotion.Time)
		sum, joules := promoting, u.Promotion.Joules+u.DataJoules
		for i, s := range u.States {
			require.Equal(t, spent[i], s.Time, s.Name)
			require.LessOrEqual(t, s.Tail, s.Time, s.Name)
			sum += s.Time
			joules += s.Joules
		}
		require.Equal(t, sum, u.Span)
		require.InDelta(t, joules, u.Joules, 1e-9)
		require.Equal(t, up, u.Up)
		require.Equal(t, down, u.Down)
		require.EqualValues(t, len(packets), u.Packets)
	})
}
