package spec

import (
	"reflect"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/quantity"
)

// then returns the changes of c followed by those of next.
func (c path) then(next path) path {
	c.place = next.place
	if next.Rate.given() || next.Trace.given() {
		c.Rate, c.Trace = bitrate{}, reference{} // one takes the place of the other
	}
	from, to := reflect.ValueOf(&next).Elem(), reflect.ValueOf(&c).Elem()
	for _, k := range keysOf(to.Type()) {
		if isGiven(from.FieldByIndex(k.index)) {
			to.FieldByIndex(k.index).Set(from.FieldByIndex(k.index))
		}
	}
	return c
}

// change overwrites what the path says in p.
func (c *path) change(d *decoder, p *harness.Path) {
	if c.Rate.ok || c.Trace.ok {
		p.Rate, p.Trace = 0, nil
	}
	d.fill(reflect.ValueOf(c).Elem(), reflect.ValueOf(p).Elem())
	if p.Jitter <= p.Delay {
		return
	}
	at := c.Jitter.place
	if !at.given() {
		at = c.Delay.place
	}
	if at.given() {
		d.errorf(at, "jitter %s is more than delay %s; a packet cannot arrive before it was sent", quantity.FormatDuration(p.Jitter), quantity.FormatDuration(p.Delay))
	}
}

// modifier is a key that has no effect without another.
type modifier struct {
	place
	name, without string
}

// effects says of each dependent key of c whether it has an effect in p.
func (c *path) effects(p *harness.Path) map[modifier]bool {
	effects := map[modifier]bool{}
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
			effects[modifier{k.place, k.name, k.without}] = k.has
		}
	}
	return effects
}

// report reports the dependent keys without an effect. One of both may have its
// effect one way only.
func (d *decoder) report(up, down map[modifier]bool) {
	for _, way := range []map[modifier]bool{up, down} {
		for k := range way {
			if !up[k] && !down[k] {
				d.errorf(k.place, "%s has no effect without %s; give one", k.name, k.without)
			}
		}
	}
}

func (v *loss) fill(d *decoder, plain reflect.Value) {
	plain.SetZero()
	d.fill(reflect.ValueOf(v).Elem(), plain)
}

func (v *loss) compose(c *composer, _ key, plain reflect.Value) {
	c.composeStruct(reflect.ValueOf(v).Elem(), plain)
	if !v.GEModel.given() {
		v.Share = share{here(), plain.Interface().(harness.Loss).P}
	}
}
