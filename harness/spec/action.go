package spec

import (
	"slices"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
)

// action is a key of an event that says what it does: a fault of package fault, or
// one of several that the value of the key names.
type action struct {
	key  string
	does []harness.Action
	// word is what the value says, of a key that does several things.
	word func(*event) string
	// read takes over what the key and those beside it say; nil is nothing.
	read func(timeline, *event, *harness.Event)
	// write is the way back.
	write func(c *composer, what string, e harness.Event, v *event)
}

// actions returns every key that does something.
func actions() []action {
	return []action{
		linkAction(), disconnectAction(), rebindAction(), crossAction(), crashAction(),
		freezeAction(), dropAction(), slowAction(), toxicAction(), healAction(),
	}
}

// only is an action whose key and fault have one name.
func only(a harness.Action) action { return action{key: a.String(), does: []harness.Action{a}} }

func linkAction() action {
	a := only(harness.SetLink)
	a.read = func(t timeline, e *event, got *harness.Event) {
		link := t.scope.resolve(t.decoder, &e.Link)
		got.Link = &link
	}
	a.write = func(c *composer, what string, e harness.Event, v *event) {
		if e.Link == nil {
			c.refuse("%s sets no link", what)
			return
		}
		v.Link = c.link(*e.Link)
		v.Link.place = here().place
	}
	return a
}

func disconnectAction() action {
	return action{
		key: "disconnect", does: []harness.Action{harness.Blackhole, harness.Reset, harness.Refuse},
		word: func(e *event) string { return e.Disconnect.s },
		read: func(_ timeline, e *event, got *harness.Event) {
			if got.Action == harness.Blackhole {
				got.Direction = directions()[e.Direction.s]
			}
		},
		write: func(_ *composer, _ string, e harness.Event, v *event) {
			v.Disconnect = wordOf(e.Action.String())
			if e.Action == harness.Blackhole {
				v.Direction = directionOf(e.Direction)
			}
		},
	}
}

func rebindAction() action {
	a := only(harness.Rebind)
	a.read = func(_ timeline, e *event, got *harness.Event) { got.NewAddress = e.Rebind.s == "address" }
	a.write = func(_ *composer, _ string, e harness.Event, v *event) {
		v.Rebind = wordOf(map[bool]string{false: "nat", true: "address"}[e.NewAddress])
	}
	return a
}

func crossAction() action {
	a := only(harness.CrossTraffic)
	a.read = func(_ timeline, e *event, got *harness.Event) {
		got.Direction = map[string]harness.Direction{"upload": harness.Up, "download": harness.Down}[e.Cross.s]
	}
	a.write = func(_ *composer, _ string, e harness.Event, v *event) {
		v.Cross = wordOf(map[harness.Direction]string{harness.Up: "upload", harness.Down: "download"}[e.Direction])
	}
	return a
}

func crashAction() action {
	a := only(harness.Crash)
	a.read = func(_ timeline, e *event, got *harness.Event) {
		got.Side, got.Restart, got.Vanish = sides()[e.Crash.s], e.Restart.d, e.Vanish.ok
	}
	a.write = func(_ *composer, _ string, e harness.Event, v *event) {
		v.Crash, v.Restart = wordOf(e.Side.String()), duration{here(), e.Restart}
	}
	return a
}

func freezeAction() action {
	a := only(harness.Freeze)
	a.read = func(_ timeline, e *event, got *harness.Event) { got.Side = sides()[e.Freeze.s] }
	a.write = func(_ *composer, _ string, e harness.Event, v *event) { v.Freeze = wordOf(e.Side.String()) }
	return a
}

func dropAction() action {
	a := only(harness.Drop)
	a.read = func(t timeline, e *event, _ *harness.Event) {
		if !e.When.given() {
			t.errorf(e.place, "drop needs when: which packet")
		}
	}
	a.write = func(_ *composer, _ string, _ harness.Event, v *event) { v.Drop = yesOf(true) }
	return a
}

func slowAction() action {
	a := only(harness.Slow)
	a.read = func(t timeline, e *event, got *harness.Event) {
		got.By = e.By.d
		if !e.By.given() {
			t.errorf(e.place, "slow needs by: how late each answer is")
		}
	}
	a.write = func(_ *composer, _ string, _ harness.Event, v *event) { v.Slow = wordOf("server") }
	return a
}

func toxicAction() action {
	a := only(harness.StreamToxic)
	a.read = func(t timeline, e *event, got *harness.Event) { got.Toxic = t.toxic(&e.Toxic) }
	a.write = func(c *composer, what string, e harness.Event, v *event) { v.Toxic = c.toxicOf(what, e.Toxic) }
	return a
}

func healAction() action {
	a := only(harness.Heal)
	a.write = func(_ *composer, _ string, _ harness.Event, v *event) { v.Heal = yesOf(true) }
	return a
}

// keysOfActions lists the keys of actions for a message: all, or those that a
// nemesis may draw.
func keysOfActions(random bool) string {
	var keys []string
	for _, a := range actions() {
		if f, _ := fault.Of(a.does[0]); f.Random || !random {
			keys = append(keys, a.key)
		}
	}
	return strings.Join(keys, ", ")
}

// actionOf returns the key that does an action.
func actionOf(does harness.Action) (action, bool) {
	all := actions()
	i := slices.IndexFunc(all, func(a action) bool { return slices.Contains(a.does, does) })
	if i < 0 {
		return action{}, false
	}
	return all[i], true
}

func sides() map[string]harness.Side {
	return map[string]harness.Side{"server": harness.Server, "client": harness.Client}
}

func directions() map[string]harness.Direction {
	return map[string]harness.Direction{"up": harness.Up, "down": harness.Down}
}
