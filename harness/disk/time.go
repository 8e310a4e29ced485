package disk

import (
	"math/rand/v2"
	"time"

	"github.com/onebar/onebar/harness"
)

// timing says how long the syncs of a disk take.
type timing struct {
	sync    harness.Durations
	seed    uint64
	instant bool                       // syncs take no time, whatever else says so
	turn    func(stop <-chan struct{}) // see Disk.TakeTurns
	news    chan struct{}              // closed when the faults or the power change; nil if nobody waits
}

// SyncTime makes each later sync of a file take a time from d, drawn log-uniformly by the
// seed and the number of the sync; the zero value is no time. The names of a directory are
// synced in no time. A sync under way takes what it has begun with.
func (d *Disk) SyncTime(t harness.Durations, seed uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.timing.sync, d.timing.seed = t, seed
}

// Instant makes syncs take no time, whatever SyncTime and faults say, until it is called with
// false: who opens a file while holding a mutex must not wait, see package bubble.
func (d *Disk) Instant(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.timing.instant = on
}

// TakeTurns makes a sync that takes time call turn when this time is over, before anything
// is durable: in virtual time, turn says who goes on first of those who would go on at one
// instant. It returns when stop is closed, because the disk has changed. Nil is not called.
func (d *Disk) TakeTurns(turn func(stop <-chan struct{})) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.timing.turn = turn
}

// wait returns when as much time has passed as a sync of the file takes, or when the power
// fails. A disk that becomes slow or quick meanwhile counts. No lock is held meanwhile: other operations go on, and virtual time, too.
func (f *File) wait() {
	if f.nameless {
		return
	}
	d := f.disk
	d.mu.Lock()
	base := d.syncTime()
	began := time.Now()
	var met []*inForce
	for turn := d.timing.turn; f.alive() == nil && !d.timing.instant; {
		var slow time.Duration
		slow, met = d.slowed(met)
		left := time.Until(began.Add(base + slow))
		if left <= 0 && (turn == nil || base+slow == 0) {
			break
		}
		news := d.timing.news
		if news == nil {
			news = make(chan struct{})
			d.timing.news = news
		}
		d.mu.Unlock()
		if left > 0 {
			sleep(left, news)
		} else {
			turn(news)
			turn = nil
		}
		d.mu.Lock()
	}
	d.mu.Unlock()
}

// sleep waits for a while, or until there is news.
func sleep(d time.Duration, news <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-news:
	}
}

// What follows is called with mu held.

// syncTime draws how long the next sync takes.
func (d *Disk) syncTime() time.Duration {
	t := d.timing.sync
	if t.Max == 0 {
		return 0
	}
	r := rand.New(rand.NewPCG(d.timing.seed, uint64(d.number)<<40|uint64(d.counts[Sync])))
	return t.At(r.Float64())
}

// wake makes those who wait look at the disk again.
func (t *timing) wake() {
	if t.news != nil {
		close(t.news)
		t.news = nil
	}
}
