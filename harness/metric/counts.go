package metric

import (
	"math"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
)

// counts collects a result.Realised, and the traffic of the payments.
type counts struct {
	result.Realised
	mean, squares float64       // of the delay in nanoseconds, by Welford's recurrence
	late          time.Duration // sum
	carried       int64         // bytes delivered, with copies
	links         int64         // that delivered any
	charged       charge
}

// charge is what was sent for payments: without cross traffic, and without what
// the link itself made.
type charge struct {
	packets, bytes, again int64 // again: packets sent before
}

func (t *counts) add(p *harness.Packet) {
	if p.Copy {
		if p.Drop == harness.DropNone {
			t.Duplicated++
			t.carried += int64(p.Size)
		}
		return
	}
	t.Offered++
	t.Bytes += int64(p.Size)
	if !p.Cross {
		t.charged.packets++
		t.charged.bytes += int64(p.Size)
		if p.Retransmit {
			t.charged.again++
		}
	}
	switch p.Drop {
	case harness.DropNone:
		t.deliver(p)
	case harness.DropLoss:
		t.Lost++
	case harness.DropOutage:
		t.outage(p.At)
	case harness.DropQueue:
		t.Queue++
	case harness.DropMTU, harness.DropNAT, harness.DropCut:
		t.Barred++
	case harness.DropStopped:
	}
}

func (t *counts) deliver(p *harness.Packet) {
	t.Delivered++
	t.carried += int64(p.Size)
	d := float64(p.Delay)
	before := d - t.mean
	t.mean += before / float64(t.Delivered)
	t.squares += before * (d - t.mean)
	t.late += p.Late
	if p.Corrupt {
		t.Corrupted++
	}
}

// outage counts a packet lost to an outage. The order of the records may differ from
// that in which the packets were offered.
func (t *counts) outage(at time.Duration) {
	if t.Outage++; t.Outage == 1 {
		t.OutageFirst, t.OutageLast = at, at
	}
	t.OutageFirst, t.OutageLast = min(t.OutageFirst, at), max(t.OutageLast, at)
}

// realised returns the averages over a phase of the given length. The standard deviation
// is that of these packets (squares/n), not an estimate for a population.
func (t *counts) realised(length time.Duration) result.Realised {
	r := t.Realised
	if n := r.Delivered; n > 0 {
		r.DelayMean = time.Duration(math.Round(t.mean))
		r.DelaySD = time.Duration(math.Round(math.Sqrt(t.squares / float64(n))))
		r.LateMean = t.late / time.Duration(n)
	}
	if t.carried > 0 && length > 0 {
		r.MeanRate = 8 * float64(t.carried) / length.Seconds() / float64(max(t.links, 1))
	}
	return r
}

// pool adds the counts that figures of several phases together need.
func (t *counts) pool(o *counts) {
	t.Offered += o.Offered
	t.Delivered += o.Delivered
	t.Lost += o.Lost
	t.charged.packets += o.charged.packets
	t.charged.bytes += o.charged.bytes
	t.charged.again += o.charged.again
}
