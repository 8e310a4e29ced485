package check_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/link"
	"github.com/onebar/onebar/harness/result"
)

// played is the history of a run over links that do what does says, in phases
// of which asked says what was asked. Every payer sends and gets packets at
// random, some of them in trains.
type played struct {
	seed    uint64
	payers  int
	packets int // of each payer each way, over the run
	asked   []harness.Path
	does    []harness.Path
}

const length = 20 * time.Second // of a phase

func (e played) records() []history.Record {
	header := history.Header{Version: history.Version, Commits: true, Holds: true}
	var all []history.Record
	for i, p := range e.asked {
		at := time.Duration(i) * length
		all = append(all, history.Record{At: at, Phase: &history.Phase{Name: "played", Profile: harness.Profile{Up: p, Down: p}}})
	}
	for payer := range e.payers {
		for _, d := range []harness.Direction{harness.Up, harness.Down} {
			all = append(all, e.offered(payer, d)...)
		}
	}
	// A record is written when its packet arrives or is lost; a busy machine is
	// late, but keeps the order.
	written := func(r history.Record) time.Duration {
		if r.Packet != nil && r.Packet.Drop == harness.DropNone {
			return r.At + r.Packet.Delay - r.Packet.Late
		}
		return r.At
	}
	slices.SortStableFunc(all, func(a, b history.Record) int { return int(written(a) - written(b)) })
	all = append(all, history.Record{At: time.Duration(len(e.asked)) * length, End: &history.End{LedgerRead: true}})
	return append([]history.Record{{Header: &header}}, all...)
}

func (e played) offered(payer int, d harness.Direction) []history.Record {
	l := link.New(e.seed, link.ID{Client: payer, Direction: d}, e.does[0])
	rnd := harness.Rand(e.seed, harness.Stream(1000+10*payer+int(d)))
	var sent []time.Duration
	for len(sent) < e.packets {
		at := time.Duration(rnd.Int64N(int64(length) * int64(len(e.asked))))
		for n := rnd.IntN(10); n >= 0; n-- {
			sent = append(sent, at)
			at += time.Duration(rnd.Int64N(int64(20 * ms)))
		}
	}
	slices.Sort(sent)
	var all []history.Record
	phase := 0
	for i, at := range sent {
		for phase+1 < len(e.does) && at >= time.Duration(phase+1)*length {
			phase++
			l.Set(e.does[phase])
		}
		size := 40 + rnd.IntN(700)
		f := l.Send(at, link.Key{Ordinal: uint64(i + 1)}, size)
		p := harness.Packet{At: at, Client: payer, Flow: 1, N: int64(i + 1), Direction: d, Size: size, Drop: f.Drop}
		if f.Drop == harness.DropNone {
			late := time.Duration(rnd.Int64N(int64(ms)))
			p.Delay, p.Late, p.Corrupt = f.Arrive-at+late, late, f.Corrupt > 0
		}
		first := p
		all = append(all, history.Record{At: at, Packet: &first})
		if f.Copy > 0 {
			p.Delay, p.Late, p.Copy, p.Corrupt = f.Copy-at, 0, true, false
			all = append(all, history.Record{At: at, Packet: &p})
		}
	}
	return all
}

func (e played) impairment() result.Verdict {
	return verdict(judge(slices.Values(e.records())), "impairment")
}

// paths are links as scenarios ask for them, and worse ones.
func paths() map[string][]harness.Path {
	ge := &harness.GEModel{P: 0.02, R: 0.3, LossBad: 1}
	edge := harness.Path{Delay: 200 * ms, Jitter: 40 * ms, Rate: 118_400, Loss: harness.Loss{P: 0.02}}
	return map[string][]harness.Path{
		"edge":             {edge},
		"phases":           {edge, {Delay: 30 * ms}, {Delay: 600 * ms, Rate: 9600, Loss: harness.Loss{GE: ge}}, edge},
		"reorder":          {{Delay: 100 * ms, Jitter: 10 * ms, Reorder: 0.25}, {Delay: 50 * ms, Reorder: 0.02}},
		"reorder and rate": {{Delay: 200 * ms, Rate: 250_000, Reorder: 0.25}, {Delay: 100 * ms, Rate: 60_000, Limit: 6000, Reorder: 0.1, Duplicate: 0.1}, edge},
		"normal":           {{Delay: 100 * ms, Jitter: 30 * ms, Distribution: harness.Normal, Correlation: 0.5, Reorder: 0.1}},
		"pareto":           {{Delay: 100 * ms, Jitter: 60 * ms, Distribution: harness.Pareto, Correlation: 0.25}},
		"all of it":        {{Delay: 100 * ms, Jitter: 50 * ms, Rate: 500_000, Loss: harness.Loss{GE: ge}, Reorder: 0.05, Duplicate: 0.05, Corrupt: 0.01}, {}},
		"bufferbloat":      {{Delay: 40 * ms, Jitter: 20 * ms, Rate: 30_000, LimitTime: 2 * time.Second, Duplicate: 0.2, Corrupt: 0.1, Reorder: 0.2}},
	}
}

// Links that do what was asked are believed, however few packets show it: one
// run in a hundred thousand may be unknown.
func TestAsAskedIsBelieved(t *testing.T) {
	runs := 200
	if testing.Short() {
		runs = 20
	}
	wrong, all := 0, 0
	for name, asked := range paths() {
		for seed := range runs {
			e := played{seed: uint64(seed), payers: 1 + seed%4, packets: 5 << (seed % 7), asked: asked, does: asked}
			all++
			if v := e.impairment(); v.Status != result.Pass {
				wrong++
				t.Logf("%s, seed %d: %s", name, seed, v.Summary)
			}
		}
	}
	t.Logf("%d of %d runs were called unknown", wrong, all)
	require.LessOrEqual(t, wrong, 1)
}

// Links that do something else are found out.
func TestNotAsAskedIsFound(t *testing.T) {
	base := harness.Path{Delay: 100 * ms, Rate: 2_000_000, Reorder: 0.2, Duplicate: 0.1, Corrupt: 0.1, Loss: harness.Loss{P: 0.05}}
	for name, tc := range map[string]struct {
		spoil func(*harness.Path)
		want  string
	}{
		"no loss":        {func(p *harness.Path) { p.Loss = harness.Loss{} }, "lost 0 of "},
		"no reordering":  {func(p *harness.Path) { p.Reorder = 0 }, "let overtake 0 of "},
		"all reordered":  {func(p *harness.Path) { p.Reorder = 0.6 }, "let overtake "},
		"no duplicates":  {func(p *harness.Path) { p.Duplicate = 0 }, "duplicated 0 of "},
		"two for one":    {func(p *harness.Path) { p.Duplicate = 0.5 }, "duplicated "},
		"no corruption":  {func(p *harness.Path) { p.Corrupt = 0 }, "corrupted 0 of "},
		"half the delay": {func(p *harness.Path) { p.Delay = 50 * ms }, `phase "played" delayed packets up by `},
	} {
		t.Run(name, func(t *testing.T) {
			does := base
			tc.spoil(&does)
			v := played{seed: 3, payers: 3, packets: 300, asked: []harness.Path{base}, does: []harness.Path{does}}.impairment()
			require.Equal(t, result.StatusUnknown, v.Status)
			require.Contains(t, v.Summary, tc.want)
		})
	}
	for name, tc := range map[string]struct {
		asked, does harness.Path
		want        string
	}{
		"no rate": {harness.Path{Rate: 50_000}, harness.Path{}, "on average, asked was "},
		"a rate hidden by the delay": {
			harness.Path{Delay: 100 * ms, Rate: 50_000, Limit: 1 << 20},
			harness.Path{Delay: 200 * ms},
			`phase "played" was too fast up: `,
		},
		"overtaking that nobody asked for": {harness.Path{Delay: 100 * ms}, harness.Path{Delay: 100 * ms, Reorder: 0.1}, "asked was 0.00 %"},
	} {
		t.Run(name, func(t *testing.T) {
			v := played{seed: 3, payers: 2, packets: 2000, asked: []harness.Path{tc.asked}, does: []harness.Path{tc.does}}.impairment()
			require.Equal(t, result.StatusUnknown, v.Status)
			found := slices.ContainsFunc(v.Findings, func(f result.Finding) bool {
				return len(f.Lines) == 1 && strings.Contains(f.Text, tc.want)
			})
			require.True(t, found, "%v", v.Findings)
		})
	}
}
