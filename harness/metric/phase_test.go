package metric

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
)

// A payment belongs to the phase in force at its first press, a packet to that
// in which it was offered, and phases of one name are pooled.
func TestFiguresOfAPhase(t *testing.T) {
	phase := func(at time.Duration, name string) history.Record {
		return history.Record{At: at, Phase: &history.Phase{Name: name}}
	}
	expect := map[string]float64{
		"payments(phase: edge)":                   2,
		"presses(phase: edge)":                    3,
		"confirmed(phase: edge)":                  2,
		"payments(phase: tunnel)":                 1,
		"confirmed(phase: tunnel)":                0,
		"unknown(phase: tunnel)":                  1,
		"max(confirm, phase: edge)":               21,
		"attempts_per_payment(phase: edge)":       1,
		"mean(attempt, phase: tunnel)":            3,
		"bytes_per_payment(phase: edge)":          150,
		"bytes_per_payment(phase: tunnel)":        80,
		"retransmitted_share(phase: tunnel)":      1,
		"retransmitted_share(phase: edge)":        0,
		"loss_up(phase: edge)":                    1.0 / 3,
		"joules_per_payment(phase: edge)":         11,
		"joules_per_payment(phase: tunnel)":       11,
		"payments(phase: start)":                  -1, // there was none
		"max(confirm, phase: tunnel)":             -1, // no payment of it was confirmed
		"attempts_per_payment(phase: \"a link\")": -1, // no payment in it
	}
	var texts []string
	for name := range expect {
		for _, value := range []string{" == 0", " == 0s"} {
			texts = append(texts, name+value)
		}
	}
	sec := time.Second
	c := collect(
		withRadio(false, texts...),
		phase(0, "edge"),
		pressed(1*sec, "p1", 0), sent(1*sec, 0), tried(2*sec, "p1", sec),
		phase(11*sec, "tunnel"),
		pressed(12*sec, "p2", 0),
		packet(harness.Packet{At: 12 * sec, Direction: harness.Up, Size: 80, Retransmit: true, Drop: harness.DropOutage}),
		tried(15*sec, "p2", 3*sec),
		history.Record{At: 20 * sec, Pay: &harness.Payment{ID: "p1b", Order: "op1", Wallet: 0}},
		told(22*sec, "p1b", harness.Confirmed),
		phase(30*sec, "a link"),
		phase(40*sec, "edge"),
		pressed(41*sec, "p3", 1), sent(41*sec, 1),
		packet(harness.Packet{At: 41 * sec, Client: 1, Direction: harness.Up, Size: 100, Drop: harness.DropLoss}),
		tried(42*sec, "p3", sec), told(42*sec, "p3", harness.Confirmed),
		told(50*sec, "p2", harness.OutcomeUnknown),
	)
	figures := c.Figures()
	seen := 0
	for name, want := range expect {
		got, ok := figures.Get(name)
		require.Equal(t, want >= 0, ok, name)
		if ok {
			seen++
			require.InDelta(t, want, got.Value, 1e-9, name)
		}
	}
	plain := 0
	for _, f := range figures {
		if _, ok := expect[f.Name]; !ok {
			plain++
		}
	}
	require.Equal(t, len(figures), plain+seen, "each figure is there once")
}
