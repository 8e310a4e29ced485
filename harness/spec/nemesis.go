package spec

import (
	"reflect"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
)

// maxStrikes bounds what an entry of the nemesis may draw on average.
const maxStrikes = 1000

// trouble makes an entry of the nemesis: an event without its times, and what they
// are drawn from.
func (t timeline) trouble(n *trouble) harness.Nemesis {
	e := n.event()
	got := harness.Nemesis{
		Rate: n.Rate.hz, For: n.For.span(), By: n.By.span(),
		Event: harness.Event{Phase: n.Phase.s, Line: n.line},
	}
	f, known := t.act(e, &got.Event, keysOfActions(true))
	if known {
		t.fits(e, f)
	}
	got.Event.Restart, got.Event.By = 0, 0
	if f.Length == fault.Restarting {
		got.Restart = n.Restart.span()
	}
	if f.Length == fault.Lasting && !n.For.given() {
		t.errorf(n.place, "%s needs for: how long it lasts, such as 1s..30s", f.Action)
	}
	switch {
	case t.script == 0:
		t.errorf(n.place, "the nemesis strikes during the script, which has no length; give workload a rate, or the file a duration")
	case n.Rate.ok && n.Rate.hz*t.script.Seconds() > maxStrikes:
		t.errorf(n.Rate.place, "rate is too high; over a script of %s it strikes %.0f times, and %d are allowed",
			FormatDuration(t.script), n.Rate.hz*t.script.Seconds(), maxStrikes)
	}
	return got
}

// event is the event that an entry draws, for the checks of one.
func (n *trouble) event() *event {
	e := &event{place: n.place, For: offset{mark: n.For.mark}, Restart: duration{mark: n.Restart.mark}, By: duration{mark: n.By.mark}}
	shareKeys(e, n)
	return e
}

// shareKeys copies the keys that two structs of the format have alike.
func shareKeys(to, from any) {
	a, b := reflect.ValueOf(to).Elem(), reflect.ValueOf(from).Elem()
	for _, k := range keysOf(a.Type()) {
		for _, l := range keysOf(b.Type()) {
			if k.name == l.name && a.Field(k.index).Type() == b.Field(l.index).Type() {
				a.Field(k.index).Set(b.Field(l.index))
			}
		}
	}
}

func (v *durations) span() harness.Durations { return harness.Durations{Min: v.least, Max: v.most} }

// trouble is the way back of timeline.trouble.
func (c *composer) trouble(what string, n harness.Nemesis) trouble {
	e := c.event(what, n.Event)
	v := trouble{place: e.place, Rate: frequency{here(), n.Rate}, For: durationsOf(n.For), Restart: durationsOf(n.Restart), By: durationsOf(n.By)}
	shareKeys(&v, &e)
	return v
}

func durationsOf(d harness.Durations) durations {
	if d.Max == 0 {
		return durations{}
	}
	return durations{here(), d.Min, d.Max}
}
