package spec

import (
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
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
	kind := t.kind(e, "link, disconnect, rebind, cross_traffic, crash, freeze, drop, slow, toxic, heal")
	t.act(e, kind, &got)
	t.fits(e, kind)
	if e.When.given() {
		got.When = t.trigger(e, kind)
		return got
	}
	t.when(e, got)
	if e.Every.ok && got.Every >= minEvery {
		t.period(e, kind, got)
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

// kind returns the key that says what the event does, and reports an event that
// has none or several of those there are. The empty kind is not known.
func (t timeline) kind(e *event, keys string) string {
	actions := []struct {
		place
		name string
	}{
		{e.Link.place, "link"},
		{e.Disconnect.place, e.Disconnect.s},
		{e.Rebind.place, "rebind"},
		{e.Cross.place, "cross_traffic"},
		{e.Crash.place, "crash"},
		{e.Freeze.place, "freeze"},
		{e.Drop.place, "drop"},
		{e.Slow.place, "slow"},
		{e.Toxic.place, "toxic"},
		{e.Heal.place, "heal"},
	}
	var kind string
	found := 0
	for _, a := range actions {
		if !a.given() {
			continue
		}
		if found++; found > 1 {
			t.errorf(a.place, "a second action in one event; write two events")
			return ""
		}
		kind = a.name
	}
	if found == 0 {
		t.errorf(e.place, "the event does nothing; give it one of %s", keys)
	}
	return kind
}

func (t timeline) act(e *event, kind string, got *harness.Event) {
	switch kind {
	case "link":
		link := t.scope.resolve(t.decoder, &e.Link)
		got.Action, got.Link = harness.SetLink, &link
	case "blackhole":
		got.Action = harness.Blackhole
		got.Direction = map[string]harness.Direction{"up": harness.Up, "down": harness.Down}[e.Direction.s]
	case "reset":
		got.Action = harness.Reset
	case "refuse":
		got.Action = harness.Refuse
	case "rebind":
		got.Action, got.NewAddress = harness.Rebind, e.Rebind.s == "address"
	case "cross_traffic":
		got.Action = harness.CrossTraffic
		got.Direction = map[string]harness.Direction{"upload": harness.Up, "download": harness.Down}[e.Cross.s]
	case "crash":
		got.Action, got.Restart, got.Vanish = harness.Crash, e.Restart.d, e.Vanish.ok
		got.Side = map[string]harness.Side{"server": harness.Server, "client": harness.Client}[e.Crash.s]
	case "freeze":
		got.Action = harness.Freeze
		got.Side = map[string]harness.Side{"server": harness.Server, "client": harness.Client}[e.Freeze.s]
	case "drop":
		got.Action = harness.Drop
		if !e.When.given() {
			t.errorf(e.place, "drop needs when: which packet")
		}
	case "slow":
		got.Action, got.By = harness.Slow, e.By.d
		if !e.By.given() {
			t.errorf(e.place, "slow needs by: how late each answer is")
		}
	case "toxic":
		got.Action, got.Toxic = harness.StreamToxic, t.toxic(&e.Toxic)
	case "heal":
		got.Action = harness.Heal
	}
}

// fits reports the keys that mean nothing for this kind of event.
func (t timeline) fits(e *event, kind string) {
	allowed := map[string][]string{
		"link": {"for", "phase"}, "blackhole": {"for", "phase", "direction"}, "reset": {}, "refuse": {"for", "phase"},
		"rebind": {}, "cross_traffic": {"for", "phase"},
		"crash": {"phase", "restart", "vanish"}, "freeze": {"for", "phase"}, "drop": {}, "slow": {"for", "phase", "by"}, "toxic": {"for", "phase"}, "heal": {},
	}
	keys, known := allowed[kind]
	if !known {
		return
	}
	why := map[string]string{
		"reset": ": a reset is over at once", "heal": ": a heal is over at once", "rebind": ": a rebind is over at once",
		"crash": ": a crash lasts until the restart", "drop": ": a packet is lost at once",
	}
	for _, k := range []struct {
		place
		name string
	}{
		{e.For.place, "for"},
		{e.Phase.place, "phase"},
		{e.Direction.place, "direction"},
		{e.Restart.place, "restart"},
		{e.Vanish.place, "vanish"},
		{e.By.place, "by"},
	} {
		if !k.given() || slices.Contains(keys, k.name) {
			continue
		}
		reason := ""
		if k.name == "for" || k.name == "phase" {
			reason = why[kind]
		}
		t.errorf(k.place, "%s does not go with %s%s", k.name, kind, reason)
	}
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
// other.
func (t timeline) period(e *event, kind string, got harness.Event) {
	switch kind {
	case "blackhole", "refuse", "slow", "toxic", "cross_traffic", "freeze":
		if !e.For.given() {
			t.errorf(e.place, "a periodic %s needs for: how long each occurrence lasts", kind)
			return
		}
	}
	if lasts := got.For + got.Restart; lasts+2*got.Jitter > got.Every {
		t.errorf(e.Every.place, "every %s is too short for an occurrence of %s with jitter %s; two would overlap",
			FormatDuration(got.Every), FormatDuration(lasts), FormatDuration(got.Jitter))
	}
}
