package library

import (
	"fmt"
	"reflect"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/keys"
	"github.com/onebar/onebar/harness/keys/leaf"
	"github.com/onebar/onebar/harness/quantity"
)

// then returns the changes of c followed by those of next.
func (c *path) then(r *keys.Reader, next *path) *path {
	both := new(path)
	r.Copy(both, c)
	if r.Given(&next.Rate) || r.Given(&next.Trace) { // one takes the place of the other
		r.Clear(&both.Rate)
		r.Clear(&both.Trace)
	}
	to := r.Fields(both)
	for i, from := range r.Fields(next) {
		if r.Given(from.Value) {
			r.Copy(to[i].Value, from.Value)
		}
	}
	return both
}

// change overwrites what the path says in p.
func (c *path) change(r *keys.Reader, p *harness.Path) {
	if r.Good(&c.Rate) || r.Good(&c.Trace) {
		p.Rate, p.Trace = 0, nil
	}
	r.Fill(c, p)
	if p.Jitter <= p.Delay {
		return
	}
	at := r.At(&c.Jitter)
	if !r.Given(&c.Jitter) {
		at = r.At(&c.Delay)
	}
	if at.Line > 0 {
		r.Errorf(at, "jitter %s is more than delay %s; a packet cannot arrive before it was sent", quantity.FormatDuration(p.Jitter), quantity.FormatDuration(p.Delay))
	}
}

// modifier is a key that has no effect without another.
type modifier struct {
	keys.Place
	name, without string
}

// effects says of each dependent key of c whether it has an effect in p.
func (c *path) effects(r *keys.Reader, p *harness.Path) map[modifier]bool {
	effects := map[modifier]bool{}
	for _, k := range []struct {
		v             keys.Leaf
		name, without string
		has           bool
	}{
		{&c.Distribution, "distribution", "jitter", p.Jitter > 0 || r.Wrong(&c.Jitter)},
		{&c.Correlation, "delay_correlation", "jitter", p.Jitter > 0 || r.Wrong(&c.Jitter)},
		{&c.Limit, "limit", "a rate or trace", p.Rate > 0 || p.Trace != nil || r.Wrong(&c.Rate) || r.Given(&c.Trace)},
		{&c.Reorder, "reorder", "delay", p.Delay > 0 || r.Wrong(&c.Delay)},
		{&c.MTUBlackhole, "mtu_blackhole", "mtu", p.MTU > 0 || r.Wrong(&c.MTU)},
	} {
		if r.Good(k.v) && r.Given(k.v) {
			effects[modifier{r.At(k.v), k.name, k.without}] = k.has
		}
	}
	return effects
}

// reportIdle reports the dependent keys without an effect. One of both may have its
// effect one way only.
func reportIdle(r *keys.Reader, up, down map[modifier]bool) {
	for _, way := range []map[modifier]bool{up, down} {
		for k := range way {
			if !up[k] && !down[k] {
				r.Errorf(k.Place, "%s has no effect without %s; give one", k.name, k.without)
			}
		}
	}
}

// Fill forgets the loss of a profile first.
func (v *loss) Fill(r *keys.Reader, plain reflect.Value) {
	plain.SetZero()
	r.Fill(v, plain.Addr().Interface())
}

// Compose writes no loss as a share.
func (v *loss) Compose(c *keys.Composer, _ keys.Key, plain reflect.Value) {
	c.Compose(v, plain, reflect.Zero(plain.Type()))
	if !c.Given(&v.GEModel) {
		v.Share = keys.Share(plain.Interface().(harness.Loss).P)
		c.Accept(&v.Share)
	}
}

// queue is how much may wait: a size, or a duration.
type queue struct {
	Bytes int64
	Wait  time.Duration
}

// The range of a queue in time; that in bytes is in format.go.
const (
	minWait = time.Millisecond
	maxWait = time.Minute
)

// Scalar describes the queue. It is measured in bytes.
func (v *queue) Scalar() keys.Scalar {
	text := quantity.FormatSize(v.Bytes)
	if v.Wait > 0 {
		text = quantity.FormatDuration(v.Wait)
	}
	return keys.Scalar{
		Scan: v.scan, Text: text, Wants: "a size such as 20KB or 64KiB, or a duration such as 500ms",
		Form:    leaf.Written(leaf.SizePattern+"|"+leaf.DurationPattern, "64KiB"),
		Measure: float64(v.Bytes), Ranged: v.Wait == 0,
	}
}

func (v *queue) scan(s string) (err error) {
	wait, wrong := quantity.ParseDuration(s)
	switch {
	case wrong != nil:
		v.Bytes, err = quantity.ParseSize(s)
	case wait < minWait || wait > maxWait:
		err = fmt.Errorf("is out of range (%s to %s)", quantity.FormatDuration(minWait), quantity.FormatDuration(maxWait))
	default:
		v.Wait = wait
	}
	return err
}
