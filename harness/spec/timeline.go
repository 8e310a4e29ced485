package spec

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
	"github.com/onebar/onebar/harness/quantity"
)

// The lowest values of every and for, as in format.go, for those given as a
// percentage.
const (
	minEvery = 100 * time.Millisecond
	minFor   = time.Millisecond
)

// maxStrikes bounds what an entry of the nemesis may draw on average.
const maxStrikes = 1000

func (v *event) fill(d *decoder, plain reflect.Value) {
	got := plain.Addr().Interface().(*harness.Event)
	d.resolve("at", &v.At, 0)
	d.resolve("every", &v.Every, minEvery)
	d.resolve("jitter", &v.Jitter, 0)
	d.resolve("for", &v.For, minFor)
	f := d.act(reflect.ValueOf(v).Elem(), plain, got)
	if !v.At.given() {
		got.At = got.Every
	}
	if v.When.given() {
		d.trigger(&v.When, f, got)
		return
	}
	d.when(v, *got)
	if v.Every.ok && got.Every >= minEvery {
		d.period(v, f, *got)
	}
}

func (v *nemesisEntry) fill(d *decoder, plain reflect.Value) {
	got := plain.Addr().Interface().(*harness.Nemesis)
	got.Event.Line = v.line
	f := d.act(reflect.ValueOf(v).Elem(), plain, &got.Event)
	if f.Length == fault.Lasting && !v.For.given() {
		d.errorf(v.place, "%s needs for: how long it lasts, such as 1s..30s", f.Action)
	}
	switch strikes := v.Rate.hz * d.script.Seconds(); {
	case d.script == 0:
		d.errorf(v.place, "the nemesis strikes during the script, which has no length; give workload a rate, or the file a duration")
	case v.Rate.ok && strikes > maxStrikes:
		d.errorf(v.Rate.place, "rate is too high; over a script of %s it strikes %.0f times, and %d are allowed", quantity.FormatDuration(d.script), strikes, maxStrikes)
	}
}

// resolve resolves a percentage against the length of the script; the result
// must not be below the lowest.
func (d *decoder) resolve(name string, o *offset, lowest time.Duration) {
	if !o.relative {
		return
	}
	o.d = time.Duration(o.share * float64(d.script))
	switch {
	case d.script == 0:
		d.errorf(o.place, "%s is a percentage, but the script has no length; give workload a rate, or the file a duration", name)
	case o.d < lowest:
		d.errorf(o.place, "%s is %s of the script's %s, which is less than %s",
			name, quantity.FormatShare(o.share), quantity.FormatDuration(d.script), quantity.FormatDuration(lowest))
	}
}

// act fills an event, or an entry of the nemesis, from its struct of the format, and
// returns the fault. It reports one that does nothing or several things, and keys that
// do not go with the fault.
func (d *decoder) act(v, plain reflect.Value, got *harness.Event) fault.Fault {
	var f fault.Fault
	known := false
	if does, found := d.doing(v); found {
		got.Action = does.does[0]
		if w, isWord := reflect.TypeAssert[*word](v.FieldByIndex(does.index).Addr()); isWord && len(does.does) > 1 {
			got.Action = harness.ActionUnknown
			if w.ok {
				must(got.Action.UnmarshalText([]byte(w.s)))
			}
		}
		f, known = fault.Of(got.Action)
	}
	d.fits(v, f, known)
	d.fill(v, plain)
	return f
}

// doing returns the key that does something, if there is one.
func (d *decoder) doing(v reflect.Value) (does key, found bool) {
	all := deeds(v.Type())
	for _, k := range all {
		field := v.FieldByIndex(k.index)
		if !isGiven(field) {
			continue
		}
		if found {
			d.errorf(placeIn(field), "a second action in one event; write two events")
			return key{}, false
		}
		does, found = k, true
	}
	if !found {
		d.errorf(placeIn(v), "the event does nothing; give it one of %s", strings.Join(names(all), ", "))
	}
	return does, found
}

// deeds returns the keys that do something.
func deeds(t reflect.Type) []key {
	return slices.DeleteFunc(keysOf(t), func(k key) bool { return k.does == nil })
}

// fits reports the keys that do not go with a fault, if it is known, and takes out their
// defaults.
func (d *decoder) fits(v reflect.Value, f fault.Fault, known bool) {
	some := keysOfFaults()
	for _, k := range keysOf(v.Type()) {
		if !slices.Contains(some, k.name) || slices.Contains(f.Keys, k.name) {
			continue
		}
		field := v.FieldByIndex(k.index)
		switch {
		case !isGiven(field):
			field.SetZero()
		case !known:
		case f.Ends != "" && (k.name == "for" || k.name == "phase"):
			d.errorf(placeIn(field), "%s does not go with %s: %s", k.name, f.Action, f.Ends)
		default:
			d.errorf(placeIn(field), "%s does not go with %s", k.name, f.Action)
		}
	}
}

// keysOfFaults returns the keys of an event that go with some faults only.
func keysOfFaults() []string {
	var keys []string
	for _, f := range fault.All() {
		keys = append(keys, f.Keys...)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// when checks the first occurrence against the script.
func (d *decoder) when(e *event, got harness.Event) {
	at := e.At
	if !at.given() {
		at = e.Every
	}
	switch {
	case !at.given():
		d.errorf(e.place, "the event has no time; give it at or every")
	case !at.ok:
	case d.script > 0 && got.At >= d.script:
		d.errorf(at.place, "the event at %s begins after the end of the script, which is %s long; give a later duration or an earlier event",
			quantity.FormatDuration(got.At), quantity.FormatDuration(d.script))
	case e.Jitter.ok && got.Jitter > got.At:
		d.errorf(e.Jitter.place, "jitter %s could move the event at %s before the start", quantity.FormatDuration(got.Jitter), quantity.FormatDuration(got.At))
	case d.script > 0 && !e.Every.given() && e.Jitter.ok && got.At+got.Jitter > d.script:
		d.errorf(e.Jitter.place, "jitter %s could move the event at %s past the end of the script, which is %s long, and it would not happen",
			quantity.FormatDuration(got.Jitter), quantity.FormatDuration(got.At), quantity.FormatDuration(d.script))
	}
}

// period checks that the occurrences of a periodic event do not run into each
// other. One that changes the link may last until the next.
func (d *decoder) period(e *event, f fault.Fault, got harness.Event) {
	if f.Length == fault.Lasting && fault.Counts(f.Action) && !e.For.given() {
		d.errorf(e.place, "a periodic %s needs for: how long each occurrence lasts", f.Action)
		return
	}
	if lasts := got.For + got.Restart; lasts+2*got.Jitter > got.Every {
		d.errorf(e.Every.place, "every %s is too short for an occurrence of %s with jitter %s; two would overlap",
			quantity.FormatDuration(got.Every), quantity.FormatDuration(lasts), quantity.FormatDuration(got.Jitter))
	}
}

func (v *event) compose(c *composer, _ key, plain reflect.Value) {
	e := plain.Interface().(harness.Event)
	c.what = fmt.Sprintf("event %d", c.item)
	c.act(reflect.ValueOf(v).Elem(), plain, e.Action)
	switch {
	case e.When == nil:
		v.At = offset{mark: here(), d: e.At}
	case e.At != 0:
		c.refuse("%s begins at %s and at a packet or commit", c.what, quantity.FormatDuration(e.At))
	}
}

func (v *nemesisEntry) compose(c *composer, _ key, plain reflect.Value) {
	c.what = fmt.Sprintf("entry %d of the nemesis", c.item)
	c.act(reflect.ValueOf(v).Elem(), plain, plain.Interface().(harness.Nemesis).Event.Action)
}

// act is the way back of that of a decoder.
func (c *composer) act(v, plain reflect.Value, action harness.Action) {
	all := deeds(v.Type())
	i := slices.IndexFunc(all, func(k key) bool { return slices.Contains(k.does, action) })
	if i < 0 {
		c.refuse("%s does %q, which no file can say", c.what, action)
		return
	}
	does := all[i]
	f, _ := fault.Of(action)
	c.composeKeys(v, plain, reflect.Zero(plain.Type()), func(k *key) bool {
		switch {
		case k.name == does.name:
			k.required = true
			return true
		case k.does != nil, slices.Equal(k.plain, does.plain): // the field is that of the deed
			return false
		}
		return k.fallback == "" || slices.Contains(f.Keys, k.name)
	})
	if len(does.plain) == 0 {
		l := v.FieldByIndex(does.index).Addr().Interface().(leaf)
		must(l.scan(cmp.Or(does.words, "true")))
		l.accept(here().place)
	}
}
