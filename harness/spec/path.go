package spec

import (
	"github.com/onebar/onebar/harness"
)

// then returns the changes of c followed by those of next.
func (c path) then(next path) path {
	c.place = next.place
	replace(&c.Delay, next.Delay)
	replace(&c.Jitter, next.Jitter)
	replace(&c.Distribution, next.Distribution)
	replace(&c.Correlation, next.Correlation)
	if next.Rate.given() || next.Trace.given() {
		c.Rate, c.Trace = next.Rate, next.Trace
	}
	replace(&c.Limit, next.Limit)
	replace(&c.Loss, next.Loss)
	replace(&c.Reorder, next.Reorder)
	replace(&c.Duplicate, next.Duplicate)
	replace(&c.Corrupt, next.Corrupt)
	replace(&c.MTU, next.MTU)
	replace(&c.MTUBlackhole, next.MTUBlackhole)
	return c
}

// replace overwrites a value with another that was given.
func replace[T interface{ given() bool }](v *T, with T) {
	if with.given() {
		*v = with
	}
}

// agrees reports what contradicts itself within one mapping.
func (c *path) agrees(d *decoder) {
	if c.Rate.given() && c.Trace.given() {
		d.errorf(c.Trace.place, "trace and rate are given for one path; a trace takes the place of a rate")
	}
	if c.Loss.Share.given() && c.Loss.GEModel.given() {
		d.errorf(c.Loss.GEModel.place, "loss has both share and gemodel; give one")
	}
}

// change overwrites what the path says in p.
func (c *path) change(d *decoder, p *harness.Path) {
	set(c.Delay.ok, &p.Delay, c.Delay.d)
	set(c.Jitter.ok, &p.Jitter, c.Jitter.d)
	if c.Distribution.ok {
		must(p.Distribution.UnmarshalText([]byte(c.Distribution.s)))
	}
	set(c.Correlation.ok, &p.Correlation, c.Correlation.f)
	if c.Rate.ok {
		p.Rate, p.Trace = c.Rate.bps, nil
	}
	if c.Trace.ok {
		p.Rate, p.Trace = 0, d.trace(c.Trace)
	}
	if c.Limit.ok {
		p.Limit, p.LimitTime = c.Limit.bytes, c.Limit.d
	}
	if c.Loss.given() {
		p.Loss = c.Loss.model(d)
	}
	set(c.Reorder.ok, &p.Reorder, c.Reorder.f)
	set(c.Duplicate.ok, &p.Duplicate, c.Duplicate.f)
	set(c.Corrupt.ok, &p.Corrupt, c.Corrupt.f)
	set(c.MTU.ok, &p.MTU, int(c.MTU.bytes))
	set(c.MTUBlackhole.ok, &p.MTUBlackhole, true)
	if p.Jitter <= p.Delay {
		return
	}
	at := c.Jitter.place
	if !at.given() {
		at = c.Delay.place
	}
	if at.given() {
		d.errorf(at, "jitter %s is more than delay %s; a packet cannot arrive before it was sent", FormatDuration(p.Jitter), FormatDuration(p.Delay))
	}
}

func set[T any](ok bool, v *T, to T) {
	if ok {
		*v = to
	}
}

// idle is a key and what it has no effect without.
type idle struct {
	place
	name, without string
}

// effects says of each key of c that needs another whether p has that, too.
func (c *path) effects(p *harness.Path) (with, without []idle) {
	for _, k := range []struct {
		mark
		idle
		has bool
	}{
		{c.Distribution.mark, idle{name: "distribution", without: "jitter"}, p.Jitter > 0 || c.Jitter.wrong()},
		{c.Correlation.mark, idle{name: "delay_correlation", without: "jitter"}, p.Jitter > 0 || c.Jitter.wrong()},
		{c.Limit.mark, idle{name: "limit", without: "a rate or trace"}, p.Rate > 0 || p.Trace != nil || c.Rate.wrong() || c.Trace.given()},
		{c.Reorder.mark, idle{name: "reorder", without: "delay"}, p.Delay > 0 || c.Delay.wrong()},
		{c.MTUBlackhole.mark, idle{name: "mtu_blackhole", without: "mtu"}, p.MTU > 0 || c.MTU.wrong()},
	} {
		k.idle.place = k.mark.place
		switch {
		case !k.ok || !k.mark.given():
		case k.has:
			with = append(with, k.idle)
		default:
			without = append(without, k.idle)
		}
	}
	return with, without
}

func (l *loss) model(d *decoder) harness.Loss {
	switch {
	case l.GEModel.given():
		g := l.GEModel
		return harness.Loss{GE: &harness.GEModel{P: g.P.f, R: g.R.f, LossBad: g.H.f, LossGood: g.K.f}}
	case !l.Share.given():
		d.errorf(l.place, "loss is empty; expected a percentage such as 2%%, or gemodel")
	}
	return harness.Loss{P: l.Share.f}
}
