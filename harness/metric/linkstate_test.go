package metric

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/link"
)

// The packets of the cases are offered one a ms, and their records stand in the
// order in which a run writes them: at their arrival or loss.
func TestRealised(t *testing.T) {
	up := func(n int64, change ...func(*harness.Packet)) history.Record {
		p := harness.Packet{At: time.Duration(n) * ms, N: n, Direction: harness.Up, Size: 125, Delay: ms}
		for _, f := range change {
			f(&p)
		}
		return packet(p)
	}
	drop := func(d harness.DropReason) func(*harness.Packet) { return func(p *harness.Packet) { p.Drop = d } }
	lost := drop(harness.DropLoss)
	outage := drop(harness.DropOutage)
	of := func(client int) func(*harness.Packet) { return func(p *harness.Packet) { p.Client = client } }
	duplicate := func(p *harness.Packet) { p.Copy = true }
	corrupt := func(p *harness.Packet) { p.Corrupt = true }
	type want map[string]float64
	for name, tc := range map[string]struct {
		records []history.Record
		want    want
	}{
		"bursts are runs of numbers": {
			[]history.Record{up(1, lost), up(2, lost), up(3), up(4, lost), up(6, lost), up(7, lost), up(8, lost)},
			want{"bursts": 3, "burst": 2},
		},
		"bursts are of one link":              {[]history.Record{up(1, lost), up(2, lost, of(1)), up(2, lost)}, want{"bursts": 2}},
		"another reason ends a burst":         {[]history.Record{up(1, lost), up(2, outage), up(3, lost)}, want{"bursts": 2}},
		"without numbers there are no bursts": {[]history.Record{up(0, lost), up(0, lost)}, want{"bursts": 0, "burst": 0}},
		"who is overtaken is reordered": {
			[]history.Record{up(1), up(4), up(2), up(3), up(5), up(3, of(1))},
			want{"reordered": 2, "reordered share": 2.0 / 6},
		},
		"copies are neither offered nor delivered nor out of order": {
			[]history.Record{up(1), up(2), up(1, duplicate), up(2, duplicate, drop(harness.DropStopped))},
			want{"offered": 2, "delivered": 2, "duplicated": 1, "duplicated share": 0.5, "reordered": 0, "peak": 3000, "mean": 300},
		},
		"corrupt packets are delivered": {
			[]history.Record{up(1), up(2, corrupt), up(2, corrupt, duplicate)},
			want{"delivered": 2, "corrupted": 1, "corrupted share": 0.5},
		},
		"the outage is met from its first packet to its last": {
			[]history.Record{up(7, outage), up(5, outage), up(9, outage), up(20)},
			want{"outage from": 0.005, "outage": 0.004},
		},
		"the NAT and the MTU": {[]history.Record{up(1, drop(harness.DropNAT)), up(2, drop(harness.DropMTU))}, want{"barred": 2}},
		"the mean rate is that of a link": {
			[]history.Record{up(1), up(2), up(1, of(1)), up(2, of(1)), up(1, of(2), lost)},
			want{"mean": 200},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := collect(history.Record{Phase: &history.Phase{}})
			for _, r := range tc.records {
				c.Add(r)
			}
			c.Add(history.Record{At: 10 * time.Second, End: &history.End{}})
			r := c.Phases()[0].Up
			got := want{
				"offered": float64(r.Offered), "delivered": float64(r.Delivered), "barred": float64(r.Barred),
				"bursts": float64(r.Bursts), "burst": r.Burst(),
				"reordered": float64(r.Reordered), "reordered share": r.ReorderedShare(),
				"duplicated": float64(r.Duplicated), "duplicated share": r.DuplicatedShare(),
				"corrupted": float64(r.Corrupted), "corrupted share": r.CorruptedShare(),
				"peak": r.PeakRate, "mean": r.MeanRate,
				"outage from": r.OutageFirst.Seconds(), "outage": r.OutageTime().Seconds(),
			}
			for name, want := range tc.want {
				require.InDelta(t, want, got[name], 1e-9, name)
			}
		})
	}
}

// What a link was asked is what is measured of it.
func TestRealisedOfALink(t *testing.T) {
	asked := harness.Path{
		Delay: 100 * ms, Reorder: 0.1, Duplicate: 0.05, Corrupt: 0.02,
		Loss: harness.Loss{GE: &harness.GEModel{P: 0.01, R: 0.25, LossBad: 1}},
	}
	const n = 200_000
	c := collect(history.Record{Phase: &history.Phase{}})
	play(c, link.New(7, link.ID{Direction: harness.Up}, asked), n, ms)
	got := c.Phases()[0].Up
	require.EqualValues(t, n, got.Offered)
	require.InEpsilon(t, asked.Loss.Mean(), got.Loss(), 0.1)
	require.InEpsilon(t, asked.Loss.Burst(), got.Burst(), 0.05)
	require.InEpsilon(t, asked.Duplicate, got.DuplicatedShare(), 0.05)
	require.InEpsilon(t, asked.Corrupt, got.CorruptedShare(), 0.1)
	// With some ninety packets in flight, whoever does not skip the delay is
	// overtaken.
	require.InDelta(t, 1-asked.Reorder, got.ReorderedShare(), 0.01)
}

// play offers n packets to a link, one after the other, and adds their records
// as a run would write them.
func play(c *Collector, l *link.Link, n int, every time.Duration) {
	type due struct {
		at time.Duration
		p  harness.Packet
	}
	var flying []due
	land := func(now time.Duration) {
		for {
			first := -1
			for i, d := range flying {
				if d.at <= now && (first < 0 || d.at < flying[first].at) {
					first = i
				}
			}
			if first < 0 {
				return
			}
			c.Add(packet(flying[first].p))
			flying = append(flying[:first], flying[first+1:]...)
		}
	}
	for i := 1; i <= n; i++ {
		now := time.Duration(i) * every
		land(now)
		f := l.Send(now, link.Key{Ordinal: uint64(i)}, 100)
		p := harness.Packet{At: now, N: int64(i), Direction: harness.Up, Size: 100, Drop: f.Drop, Corrupt: f.Corrupt > 0}
		if f.Drop != harness.DropNone {
			c.Add(packet(p))
			continue
		}
		p.Delay = f.Arrive - now
		flying = append(flying, due{f.Arrive, p})
		if f.Copy > 0 {
			p.Copy, p.Delay = true, f.Copy-now
			flying = append(flying, due{f.Copy, p})
		}
	}
	land(1 << 62)
}
