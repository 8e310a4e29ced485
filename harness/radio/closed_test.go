package radio_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/radio"
)

func lookup(tb testing.TB, name string) *radio.Model {
	tb.Helper()
	m, err := radio.Lookup(name)
	require.NoError(tb, err)
	return m
}

// at returns packets that carry nothing at the given seconds: what a state
// machine costs without the bytes.
func at(seconds ...float64) []radio.Packet {
	var packets []radio.Packet
	for _, s := range seconds {
		packets = append(packets, radio.Packet{At: time.Duration(s * 1e9), Direction: harness.Up})
	}
	return packets
}

func packet(size int, way harness.Direction) []radio.Packet {
	return []radio.Packet{{At: time.Second, Size: size, Direction: way}}
}

// active returns the joules of the trace without its idle time.
func active(tb testing.TB, model string, packets []radio.Packet) (joules float64, u radio.Usage) {
	tb.Helper()
	u = spent(lookup(tb, model), slices.Values(packets))
	return u.Joules - u.States[0].Joules, u
}

// The closed forms that follow from the published parameters: each number is
// arithmetic on them, done by hand.
func TestClosedForms(t *testing.T) {
	every := func(n int) (seconds []float64) {
		for i := range n {
			seconds = append(seconds, float64(i+1))
		}
		return seconds
	}
	for name, tc := range map[string]struct {
		model   string
		packets []radio.Packet
		want    float64 // J
	}{
		"LTE, one packet":                    {"videooptimizer-lte", at(1), 11.36704},
		"LTE, one packet at the very start":  {"videooptimizer-lte", at(0), 11.36704},
		"LTE, two packets of one transfer":   {"videooptimizer-lte", at(1, 1.05), 11.42704},
		"LTE, a packet in the tail":          {"videooptimizer-lte", at(1, 6), 16.83356},
		"LTE, ten packets":                   {"videooptimizer-lte", at(every(10)...), 21.28972},
		"LTE, bytes":                         {"videooptimizer-lte", packet(1_000_000, harness.Up), 11.36704 + 8*0.43839},
		"LTE, bytes down":                    {"videooptimizer-lte", packet(1_000_000, harness.Down), 11.36704 + 8*0.05197},
		"Huang":                              {"huang-lte", at(1), 0.2601*1.2107 + 11.576*1.060},
		"Huang, a transfer":                  {"huang-lte", at(1, 1.1), 0.2601*1.2107 + 0.1*1.28804 + 11.576*1.060},
		"Huang, in the tail":                 {"huang-lte", at(1, 1.2), 0.2601*1.2107 + 0.2*1.060 + 11.576*1.060},
		"i997":                               {"videooptimizer-3g-i997", packet(600, harness.Up), 9.5},
		"i997, from the network":             {"videooptimizer-3g-i997", packet(600, harness.Down), 9.5},
		"Captivate":                          {"videooptimizer-3g-captivate", packet(600, harness.Up), 2*0.51 + 4*1.02 + 10*0.40},
		"Inspire":                            {"videooptimizer-3g-inspire", packet(600, harness.Up), 2*0.30 + 4*0.60 + 10*0.38},
		"Video Optimizer's default":          {"videooptimizer-3g-default", packet(600, harness.Up), 8.76},
		"Dream, FACH":                        {"powertutor-3g-htc-dream", packet(100, harness.Up), 2.406},
		"Dream, DCH":                         {"powertutor-3g-htc-dream", packet(152, harness.Up), 4.686},
		"Dream, at the threshold":            {"powertutor-3g-htc-dream", packet(151, harness.Up), 2.406},
		"Dream, DCH down":                    {"powertutor-3g-htc-dream", packet(120, harness.Down), 4.686},
		"Nexus One, FACH":                    {"powertutor-3g-nexus-one", packet(119, harness.Down), 2.436},
		"Nexus One, DCH":                     {"powertutor-3g-nexus-one", packet(200, harness.Up), 6.044},
		"Video Optimizer's WiFi":             {"videooptimizer-wifi", packet(600, harness.Up), 0.10075},
		"S2 on WiFi":                         {"energybox-wifi", packet(600, harness.Up), 0.055},
		"EnergyBox, FACH":                    {"energybox-3g", packet(984, harness.Up), 2.8},
		"EnergyBox, FACH down":               {"energybox-3g", packet(499, harness.Down), 2.8},
		"EnergyBox, DCH down":                {"energybox-3g", packet(500, harness.Down), 1.3*4.1 + 0.5*5.6},
		"EnergyBox, DCH up, waiting":         {"energybox-3g", packet(985, harness.Up), 1.3*(4.1-1.7) + 0.5*5.6},
		"EnergyBox, DCH up, overtaken":       {"energybox-3g", append(packet(985, harness.Up), radio.Packet{At: 1100 * time.Millisecond}), 1.3*4.2 + 0.5*5.6},
		"EnergyBox, Nexus One, DCH down":     {"energybox-3g-nexus-one", packet(500, harness.Down), 0.6*4.1 + 0.45*5.6},
		"TailEnder 3G, 1 KB":                 {"tailender-3g", packet(1_000, harness.Up), 11.275},
		"TailEnder 3G, 50 KB":                {"tailender-3g", packet(50_000, harness.Down), 12.5},
		"TailEnder 3G, 100 KB":               {"tailender-3g", packet(100_000, harness.Down), 13.75},
		"TailEnder 3G, 500 KB":               {"tailender-3g", packet(500_000, harness.Down), 23.75},
		"TailEnder GSM, 1 KB":                {"tailender-gsm", packet(1_000, harness.Up), 3.236},
		"TailEnder GSM, 50 KB":               {"tailender-gsm", packet(50_000, harness.Up), 5},
		"TailEnder GSM, 100 KB":              {"tailender-gsm", packet(100_000, harness.Up), 6.8},
		"TailEnder GSM, 500 KB":              {"tailender-gsm", packet(500_000, harness.Up), 21.2},
		"TailEnder WiFi, 1 KB, maintained":   {"tailender-wifi", packet(1_000, harness.Up), 5.907 + 10*0.05},
		"TailEnder WiFi, 50 KB, maintained":  {"tailender-wifi", packet(50_000, harness.Up), 6.25 + 10*0.05},
		"TailEnder WiFi, 100 KB, maintained": {"tailender-wifi", packet(100_000, harness.Up), 6.6 + 10*0.05},
		"TailEnder WiFi, 500 KB, maintained": {"tailender-wifi", packet(500_000, harness.Up), 9.4 + 10*0.05},
		"NB-IoT, 200 bytes":                  {"nb-iot", packet(200, harness.Up), 2.31},
		"NB-IoT, 50 bytes":                   {"nb-iot", packet(50, harness.Up), 1.43},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := active(t, tc.model, tc.packets)
			require.InDelta(t, tc.want, got, 5e-7)
		})
	}
}

func TestTailShare(t *testing.T) {
	for name, tc := range map[string]struct {
		model   string
		packets []radio.Packet
		want    float64 // %
		digit   float64 // the last one known
	}{
		"LTE":                  {"videooptimizer-lte", at(0.2), 97.23, 0.005},
		"Huang":                {"huang-lte", at(0.2), 97.5, 0.05},
		"TailEnder 3G, 1 KB":   {"tailender-3g", at(0), 12.5 * 0.62 / (3.5 + 12.5*0.62) * 100, 0.005},
		"TailEnder 3G, 50 KB":  {"tailender-3g", []radio.Packet{{Size: 50_000}}, 62.0, 0.05},
		"TailEnder GSM, 50 KB": {"tailender-gsm", []radio.Packet{{Size: 50_000}}, 30.0, 0.05},
		"WiFi, one transfer":   {"videooptimizer-wifi", at(0, 0.05), 0.25 / 0.30 * 100, 0.005},
	} {
		t.Run(name, func(t *testing.T) {
			_, u := active(t, tc.model, tc.packets)
			require.InDelta(t, tc.want, 100*u.TailShare(), tc.digit)
		})
	}
}

func TestPromotionsAreCounted(t *testing.T) {
	for name, tc := range map[string]struct {
		model               string
		packets             []radio.Packet
		promotions, wakeups int64
		on                  time.Duration
	}{
		"LTE, one wake-up for a packet in the tail": {"videooptimizer-lte", at(1, 6), 1, 1, 260*time.Millisecond + 15120*time.Millisecond},
		"LTE, two for one after it":                 {"videooptimizer-lte", at(1, 20), 2, 2, 2 * 10380 * time.Millisecond},
		"EnergyBox, FACH and then DCH": {"energybox-3g", []radio.Packet{
			{At: 0, Size: 100, Direction: harness.Up}, {At: time.Second, Size: 300, Direction: harness.Up},
		}, 2, 1, 10700 * time.Millisecond},
		"5G, back from inactive": {"nr-sa", at(1, 12), 2, 1, 26 * time.Second},
		"5G, back from idle":     {"nr-sa", at(1, 17), 2, 2, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			_, u := active(t, tc.model, tc.packets)
			require.Equal(t, tc.promotions, u.Promotions)
			require.Equal(t, tc.wakeups, u.Wakeups)
			require.Equal(t, tc.on, u.RadioOn)
		})
	}
}

// Battery life as published for NB-IoT: 5 Wh, one report after another.
func TestNBIoTLifetimes(t *testing.T) {
	const battery, year = 5 * 3600.0, 365.25 * 24 * 3600
	for name, tc := range map[string]struct {
		every time.Duration
		size  int
		want  float64 // years
	}{
		"200 bytes every 2 hours": {2 * time.Hour, 200, 1.7},
		"50 bytes a day":          {24 * time.Hour, 50, 18.1},
	} {
		t.Run(name, func(t *testing.T) {
			var packets []radio.Packet
			for i := range 1000 {
				packets = append(packets, radio.Packet{At: time.Duration(i+1) * tc.every, Size: tc.size, Direction: harness.Up})
			}
			_, u := active(t, "nb-iot", packets)
			require.InDelta(t, tc.want, battery/(u.Joules/u.Span.Seconds())/year, 0.05)
		})
	}
	idle := lookup(t, "nb-iot").States[0].Power
	require.InDelta(t, 38.03, battery/idle/year, 0.005, "idle only")
}

// The mean power of a DRX cycle: 1000 s of a cycle of 5 s, 1 s of it at 1 W and
// the rest at 2 W (a fixture of Video Optimizer's own tests).
func TestCycle(t *testing.T) {
	m, err := radio.ReadModel("m.yaml", []byte(`{radio: 1, name: m, title: t, kind: k, source: s, confirmed: yes, states: [
 {name: IDLE, power: 0W, promotions: [{to: DRX}]},
 {name: DRX, power: {every: 5s, on: 1s, high: 1W, low: 2W}, lasts: 1000s, then: IDLE}]}`))
	require.NoError(t, err)
	u := spent(m, slices.Values(at(0)))
	require.InDelta(t, 1800, u.Joules, 1e-9)
}

// The rules of the DCH timer and the queues, as the sources have them.
func TestQueues(t *testing.T) {
	ms := func(at, size int, way harness.Direction) radio.Packet {
		return radio.Packet{At: time.Duration(at) * time.Millisecond, Size: size, Direction: way}
	}
	for name, tc := range map[string]struct {
		model   string
		packets []radio.Packet
		dch     time.Duration
	}{
		// In DCH from 2 s on; the first packet there restarts the timer, a lone ACK does not.
		"an ACK does not extend DCH": {"videooptimizer-3g-i997", []radio.Packet{
			ms(0, 600, harness.Up), ms(4500, 40, harness.Down), ms(6000, 40, harness.Up),
		}, 6500 * time.Millisecond},
		"320 bytes within 0.3 s do": {"videooptimizer-3g-i997", []radio.Packet{
			ms(0, 600, harness.Up), ms(4500, 40, harness.Down), ms(6000, 160, harness.Up), ms(6200, 160, harness.Up),
		}, 8200 * time.Millisecond},
		"320 bytes in both directions do not": {"videooptimizer-3g-i997", []radio.Packet{
			ms(0, 600, harness.Up), ms(4500, 40, harness.Down), ms(6000, 160, harness.Up), ms(6200, 160, harness.Down),
		}, 6500 * time.Millisecond},
		"a packet between the shortest and the mean promotion ends it": {"videooptimizer-3g-i997", []radio.Packet{
			ms(0, 600, harness.Up), ms(1600, 40, harness.Down),
		}, 4 * time.Second},
		"a packet within the shortest waits": {"videooptimizer-3g-i997", []radio.Packet{
			ms(0, 600, harness.Up), ms(1400, 40, harness.Up),
		}, 4 * time.Second},
		"FACH drains: 300 B take 626 ms": {"videooptimizer-3g-i997", []radio.Packet{
			ms(0, 40, harness.Up), ms(7000, 300, harness.Up), ms(7700, 300, harness.Up),
		}, 4 * time.Second},
		"FACH fills up": {"videooptimizer-3g-i997", []radio.Packet{
			ms(0, 40, harness.Up), ms(7000, 300, harness.Up), ms(7600, 300, harness.Up),
		}, 8 * time.Second},
		"EnergyBox: 200 B with their header take 240 ms": {"energybox-3g", []radio.Packet{
			ms(0, 40, harness.Up), ms(1000, 184, harness.Up), ms(1241, 84, harness.Up),
		}, 0},
		"EnergyBox: and are still there after 239": {"energybox-3g", []radio.Packet{
			ms(0, 40, harness.Up), ms(1000, 184, harness.Up), ms(1239, 84, harness.Up),
		}, 4100 * time.Millisecond},
		"EnergyBox: down drains in 30 ms": {"energybox-3g", []radio.Packet{
			ms(0, 40, harness.Up), ms(1000, 400, harness.Down), ms(1031, 400, harness.Down),
		}, 0},
		"EnergyBox: the directions have queues of their own": {"energybox-3g", []radio.Packet{
			ms(0, 40, harness.Up), ms(1000, 200, harness.Up), ms(1001, 300, harness.Down), ms(1002, 60, harness.Up),
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			m := lookup(t, tc.model)
			u := spent(m, slices.Values(tc.packets))
			require.Equal(t, tc.dch, u.States[state(m, "DCH")].Time)
		})
	}
}

// A model of timers only has states and seconds, and no joules at all.
func TestTimersOnly(t *testing.T) {
	u := spent(lookup(t, "nr-sa"), slices.Values(packet(600, harness.Up)))
	require.False(t, u.Priced)
	require.Zero(t, u.Joules)
	require.Zero(t, u.AboveIdle)
	require.Equal(t, 15*time.Second, u.RadioOn)
	require.Equal(t, 4800*time.Millisecond, u.States[2].Time)
}

func TestPowerTutorWiFi(t *testing.T) {
	var packets []radio.Packet
	for i := range 16 { // more than 15 in the second second
		packets = append(packets, radio.Packet{At: time.Second + time.Duration(i)*10*time.Millisecond})
	}
	packets = append(packets, radio.Packet{At: 3 * time.Second})
	u := spent(lookup(t, "powertutor-wifi-htc-dream"), slices.Values(packets))
	require.InDelta(t, 0.710+2*0.020, u.Joules, 1e-9)
	u = spent(lookup(t, "powertutor-wifi-htc-dream"), slices.Values(packets[1:]))
	require.InDelta(t, 3*0.020, u.Joules, 1e-9)
}

// The tail that falls into a window of high rate is tail of the higher state.
func TestTailInAWindow(t *testing.T) {
	u := spent(lookup(t, "energybox-wifi"), slices.Values([]radio.Packet{{Size: 1500}, {Size: 1500}, {Size: 1500}}))
	for i, want := range map[int]time.Duration{1: 170 * time.Millisecond, 2: 50 * time.Millisecond} {
		require.Equal(t, want, u.States[i].Time)
		require.Equal(t, want, u.States[i].Tail)
	}
	require.InDelta(t, u.Joules, u.TailJoules, 1e-12)
}

func TestEmptyTrace(t *testing.T) {
	for _, m := range radio.Bundled() {
		u := spent(m, slices.Values([]radio.Packet(nil)))
		require.Zero(t, u.Joules, m.Name)
		require.Zero(t, u.Span, m.Name)
		_, costs := m.Account(nil)
		require.Empty(t, costs)
	}
}

func TestHandMadeModelsThatCannotRun(t *testing.T) {
	idle, on := radio.State{Name: "IDLE"}, radio.State{Name: "ON", Lasts: time.Second}
	circle := on
	circle.Then = 1
	many := idle
	many.Promotions = make([]radio.Promotion, radio.MaxPromotions+1)
	for name, tc := range map[string]struct {
		states []radio.State
		want   string
	}{
		"no states":           {nil, "radio model mine has 0 states, not 1 to 8"},
		"a missing timer":     {[]radio.State{idle, {Name: "ON"}}, "radio model mine: state ON has no timer"},
		"a circle":            {[]radio.State{idle, circle}, "radio model mine: the timers after ON never lead to IDLE, the idle state"},
		"too many promotions": {[]radio.State{many, on}, "radio model mine has 17 promotions; at most 16"},
	} {
		t.Run(name, func(t *testing.T) {
			m := &radio.Model{Name: "mine", States: tc.states}
			require.PanicsWithError(t, tc.want, func() { radio.NewMachine(m, nil) })
		})
	}
}
