package spec

import (
	"reflect"

	"github.com/onebar/onebar/harness"
)

// then returns the changes of c followed by those of next.
func (c path) then(next path) path {
	c.place = next.place
	if next.Rate.given() || next.Trace.given() {
		c.Rate, c.Trace = bitrate{}, reference{} // one takes the place of the other
	}
	from, to := reflect.ValueOf(&next).Elem(), reflect.ValueOf(&c).Elem()
	for _, k := range keysOf(to.Type()) {
		if isGiven(from.Field(k.index)) {
			to.Field(k.index).Set(from.Field(k.index))
		}
	}
	return c
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

// dependent is a key that has no effect without another.
type dependent struct {
	place
	name, without string
}

// effects says of each dependent key of c whether it has an effect in p.
func (c *path) effects(p *harness.Path) map[dependent]bool {
	effects := map[dependent]bool{}
	for _, k := range []struct {
		mark
		name, without string
		has           bool
	}{
		{c.Distribution.mark, "distribution", "jitter", p.Jitter > 0 || c.Jitter.wrong()},
		{c.Correlation.mark, "delay_correlation", "jitter", p.Jitter > 0 || c.Jitter.wrong()},
		{c.Limit.mark, "limit", "a rate or trace", p.Rate > 0 || p.Trace != nil || c.Rate.wrong() || c.Trace.given()},
		{c.Reorder.mark, "reorder", "delay", p.Delay > 0 || c.Delay.wrong()},
		{c.MTUBlackhole.mark, "mtu_blackhole", "mtu", p.MTU > 0 || c.MTU.wrong()},
	} {
		if k.ok && k.given() {
			effects[dependent{k.place, k.name, k.without}] = k.has
		}
	}
	return effects
}

// report reports the dependent keys without an effect. One of both may have its
// effect one way only.
func (d *decoder) report(up, down map[dependent]bool) {
	for _, way := range []map[dependent]bool{up, down} {
		for k := range way {
			if !up[k] && !down[k] {
				d.errorf(k.place, "%s has no effect without %s; give one", k.name, k.without)
			}
		}
	}
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
