package spec

import (
	"reflect"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
)

// timeline makes the events of a scenario.
type timeline struct {
	*decoder
	script  time.Duration // 0 is not known
	wallets int64         // of the workload; 0 is not known
	scope   scope
}

// The lowest values of every and for, as in format.go, for those given as a
// percentage.
const (
	minEvery = 100 * time.Millisecond
	minFor   = time.Millisecond
)

func (t timeline) event(e *event) harness.Event {
	got := harness.Event{
		At:      t.offset("at", e.At, 0),
		Every:   t.offset("every", e.Every, minEvery),
		Jitter:  t.offset("jitter", e.Jitter, 0),
		For:     t.offset("for", e.For, minFor),
		MayMiss: e.MayMiss.ok,
		Phase:   e.Phase.s,
		Line:    e.line,
	}
	if !e.At.given() {
		got.At = got.Every
	}
	f, known := t.act(e, &got, keysOfActions(false))
	if known {
		t.fits(e, f)
	}
	if e.When.given() {
		got.When = t.trigger(e, f, got.Side)
		return got
	}
	t.when(e, got)
	if e.Every.ok && got.Every >= minEvery {
		t.period(e, f, got)
	}
	return got
}

// offset resolves a percentage against the length of the script; the result
// must not be below the lowest.
func (t timeline) offset(name string, o offset, lowest time.Duration) time.Duration {
	if !o.relative {
		return o.d
	}
	got := time.Duration(o.share * float64(t.script))
	switch {
	case t.script == 0:
		t.errorf(o.place, "%s is a percentage, but the script has no length; give workload a rate, or the file a duration", name)
	case got < lowest:
		t.errorf(o.place, "%s is %s of the script's %s, which is less than %s",
			name, FormatShare(o.share), FormatDuration(t.script), FormatDuration(lowest))
	}
	return got
}

// act takes over what the event does, and returns the fault. It reports an event that
// does nothing or several things; keys are those that do something, for the message.
func (t timeline) act(e *event, got *harness.Event, keys string) (f fault.Fault, known bool) {
	var does action
	found := 0
	for _, a := range actions() {
		field := reflect.ValueOf(e).Elem().FieldByIndex(fieldOf(reflect.TypeFor[event](), a.key))
		if !isGiven(field) {
			continue
		}
		if found++; found > 1 {
			t.errorf(placeIn(field), "a second action in one event; write two events")
			return f, false
		}
		does = a
	}
	if found == 0 {
		t.errorf(e.place, "the event does nothing; give it one of %s", keys)
		return f, false
	}
	got.Action = does.does[0]
	if does.word != nil && got.Action.UnmarshalText([]byte(does.word(e))) != nil {
		got.Action = harness.ActionUnknown // no word of the key, which was reported
		return f, false
	}
	if does.read != nil {
		does.read(t, e, got)
	}
	return fault.Of(got.Action)
}

// fits reports the keys that mean nothing for a fault.
func (t timeline) fits(e *event, f fault.Fault) {
	for _, k := range keysOfFaults() {
		with := f.Action.String()
		if f.Ends != "" && (k == "for" || k == "phase") {
			with += ": " + f.Ends
		}
		if !slices.Contains(f.Keys, k) {
			t.bar(e, with, k)
		}
	}
}

// keysOfFaults returns the keys of an event that go with some faults only.
func keysOfFaults() []string {
	return []string{"for", "phase", "direction", "restart", "vanish", "by"}
}

// when checks the first occurrence against the script.
func (t timeline) when(e *event, got harness.Event) {
	at := e.At
	if !at.given() {
		at = e.Every
	}
	switch {
	case !at.given():
		t.errorf(e.place, "the event has no time; give it at or every")
	case !at.ok:
	case t.script > 0 && got.At >= t.script:
		t.errorf(at.place, "the event at %s begins after the end of the script, which is %s long; give a later duration or an earlier event",
			FormatDuration(got.At), FormatDuration(t.script))
	case e.Jitter.ok && got.Jitter > got.At:
		t.errorf(e.Jitter.place, "jitter %s could move the event at %s before the start", FormatDuration(got.Jitter), FormatDuration(got.At))
	case t.script > 0 && !e.Every.given() && e.Jitter.ok && got.At+got.Jitter > t.script:
		t.errorf(e.Jitter.place, "jitter %s could move the event at %s past the end of the script, which is %s long, and it would not happen",
			FormatDuration(got.Jitter), FormatDuration(got.At), FormatDuration(t.script))
	}
}

// period checks that the occurrences of a periodic event do not run into each
// other. One that changes the link may last until the next.
func (t timeline) period(e *event, f fault.Fault, got harness.Event) {
	if f.Length == fault.Lasting && fault.Counts(f.Action) && !e.For.given() {
		t.errorf(e.place, "a periodic %s needs for: how long each occurrence lasts", f.Action)
		return
	}
	if lasts := got.For + got.Restart; lasts+2*got.Jitter > got.Every {
		t.errorf(e.Every.place, "every %s is too short for an occurrence of %s with jitter %s; two would overlap",
			FormatDuration(got.Every), FormatDuration(lasts), FormatDuration(got.Jitter))
	}
}
