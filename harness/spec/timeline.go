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
	"github.com/onebar/onebar/harness/keys"
	"github.com/onebar/onebar/harness/quantity"
)

// maxBy is the highest by of a delay.
const maxBy = 10 * time.Minute

// The words of the key at of a nemesis.
const (
	atCommit = "commit"
	atPacket = "packet"
)

// maxStrikes bounds what an entry of the nemesis may draw on average.
const maxStrikes = 1000

// deeds returns the keys that do something.
func deeds(t reflect.Type) []keys.Key {
	return slices.DeleteFunc(keys.Of(t), func(k keys.Key) bool { return actions(k) == nil })
}

// actions returns what an event with a key does: one thing, or what its value says.
func actions(k keys.Key) []harness.Action {
	var all []harness.Action
	for word := range strings.FieldsSeq(k.Tag.Get("does")) {
		var does harness.Action
		keys.Must(does.UnmarshalText([]byte(word)))
		all = append(all, does)
	}
	return all
}

// Lacks leaves out what a nemesis may not draw.
func (*nemesisEntry) Lacks(k keys.Key) bool {
	return slices.ContainsFunc(actions(k), func(does harness.Action) bool {
		f, _ := fault.Of(does)
		return !f.Random
	})
}

// Within is the field of harness.Nemesis that has what an entry does.
func (*nemesisEntry) Within() string { return "Event" }

// Rules of an event: its beginning, one action, and what goes with it.
func (*event) Rules() []keys.Rule {
	rules := []keys.Rule{
		{Needs: []string{"when", "at", "every"}, Text: "the event has no time; give it at or every"},
		{If: []string{"drop"}, Needs: []string{"when"}, Text: "drop needs when: which packet"},
		{If: []string{"when"}, Bars: []string{"every", "jitter"}, Text: "{key} does not go with when: the event begins when that has come"},
		{If: []string{"when=request"}, Bars: []string{"at"}, Text: "{key} does not go with a request: requests count from the start of the script"},
	}
	var atCommit []string
	rules = append(rules, actionRules(reflect.TypeFor[event](), func(does string, f fault.Fault) []keys.Rule {
		var rules []keys.Rule
		if f.Length == fault.Lasting && fault.Counts(f.Action) {
			rules = append(rules, keys.Rule{If: []string{"every", does}, Needs: []string{"for"}, Text: "a periodic " + f.Action.String() + " needs for: how long each occurrence lasts"})
		}
		if f.Starts&fault.AtCommit != 0 {
			atCommit = append(atCommit, does)
		}
		if f.Starts != 0 && f.Starts&fault.AtRequest == 0 {
			rules = append(rules, keys.Rule{If: []string{does}, Bars: []string{"when=request"}, At: "when", Text: "a request is not one packet; give " + f.Action.String() + " when a packet"})
		}
		return rules
	})...)
	return append(rules, ofAllWallets("when=commit"), keys.Rule{If: []string{"when=commit"}, Needs: atCommit, At: "when", Text: "only a crash begins at a commit; give when a packet"})
}

// ofAllWallets bars the choice of wallets at a commit: the power of all phones fails there.
func ofAllWallets(commit string) keys.Rule {
	return keys.Rule{If: []string{commit}, Bars: []string{"wallet", "wallets"}, Text: "{key} does not go with a commit: commits are counted over all wallets, and the power of all fails"}
}

// Rules of an entry: one action, and what goes with it.
func (*nemesisEntry) Rules() []keys.Rule {
	var atCommit []string
	rules := actionRules(reflect.TypeFor[nemesisEntry](), func(does string, f fault.Fault) []keys.Rule {
		if f.Starts&fault.AtCommit != 0 {
			atCommit = append(atCommit, does)
		}
		if f.Length != fault.Lasting {
			return nil
		}
		return []keys.Rule{{If: []string{does}, Needs: []string{"for"}, Text: f.Action.String() + " needs for: how long it lasts, such as 1s..30s"}}
	})
	return append(rules, ofAllWallets("at=commit"), keys.Rule{If: []string{"at=commit"}, Needs: atCommit, At: "at", Text: "only a crash begins at a commit; give at: packet, or leave it out"})
}

// actionRules are those about what an event, or an entry of the nemesis, does: one thing,
// the keys that go with it, and more for each fault. Does names the fault for a rule.
func actionRules(t reflect.Type, more func(does string, f fault.Fault) []keys.Rule) []keys.Rule {
	all := deeds(t)
	rules := []keys.Rule{
		{If: []string{"slow"}, Needs: []string{"by"}, Text: "slow needs by: how late each answer is"},
		{If: []string{"clock"}, Needs: []string{"by", "drift"}, Text: "clock needs by or drift: how wrong it is"},
		{If: []string{"wallet"}, Bars: []string{"wallets"}, Text: "{key} does not go with wallet: give one of them"},
		{If: []string{"crash=server"}, Bars: []string{"wallet", "wallets"}, Text: "{key} does not go with the server: it has no wallets"},
		{If: []string{"freeze=server"}, Bars: []string{"wallet", "wallets"}, Text: "{key} does not go with the server: it has no wallets"},
		{If: []string{"slow_disk"}, Needs: []string{"by"}, Text: "slow_disk needs by: how much longer each commit takes"},
		{
			One: keys.Names(all), Text: "the event does nothing; give it one of " + strings.Join(keys.Names(all), ", "),
			Both: "a second action in one event; write two events",
		},
	}
	for _, k := range all {
		for _, action := range actions(k) {
			f, _ := fault.Of(action)
			does := k.Name
			if len(actions(k)) > 1 {
				does += "=" + action.String()
			}
			rules = append(append(rules, misfits(does, f)...), more(does, f)...)
		}
	}
	return rules
}

// misfits are the rules about the keys that do not go with a fault.
func misfits(does string, f fault.Fault) []keys.Rule {
	text := "{key} does not go with " + f.Action.String()
	var length, others []string
	for _, k := range keysOfFaults() {
		switch {
		case slices.Contains(f.Keys, k):
		case f.Ends != "" && (k == "for" || k == "phase"):
			length = append(length, k)
		default:
			others = append(others, k)
		}
	}
	return slices.DeleteFunc([]keys.Rule{
		{If: []string{does}, Bars: length, Text: text + ": " + f.Ends},
		{If: []string{does}, Bars: others, Text: text},
	}, func(r keys.Rule) bool { return r.Bars == nil })
}

// keysOfFaults returns the keys of an event that go with some faults only.
func keysOfFaults() []string {
	var all []string
	for _, f := range fault.All() {
		all = append(all, f.Keys...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Fill makes the event.
func (v *event) Fill(r *keys.Reader, plain reflect.Value) {
	got := plain.Addr().Interface().(*harness.Event)
	v.At.resolve(r, "at", 0)
	v.Every.resolve(r, "every", minEvery)
	v.Jitter.resolve(r, "jitter", 0)
	v.For.resolve(r, "for", minFor)
	got.Action = act(r, v)
	r.Fill(v, got)
	checkWallet(r, &v.Wallet)
	if by := time.Duration(v.By); got.Action != harness.Clock && r.Given(&v.By) && r.Good(&v.By) && (by < minFor || by > maxBy) {
		r.Errorf(r.At(&v.By), "by %s is out of range; expected 1ms to 10m", quantity.FormatDuration(by))
	}
	if !r.Given(&v.At) {
		got.At = got.Every
	}
	if r.Given(&v.When) {
		v.trigger(r, got)
	}
	v.checkWhen(r, *got)
	if lasts := got.For + got.Restart; r.Good(&v.Every) && got.Every >= minEvery && lasts+2*got.Jitter > got.Every {
		r.Errorf(r.At(&v.Every), "every %s is too short for an occurrence of %s with jitter %s; two would overlap",
			quantity.FormatDuration(got.Every), quantity.FormatDuration(lasts), quantity.FormatDuration(got.Jitter))
	}
}

// trigger completes the moment at which the event begins.
func (v *event) trigger(r *keys.Reader, got *harness.Event) {
	if !r.Given(&v.When.Request) {
		got.When.Moment = harness.MomentUnknown
	}
	if r.Given(&v.When.Commit) {
		got.When.Side = got.Side
	}
	if r.Given(&v.When.Packet) {
		checkWallet(r, &v.When.Wallet)
	}
}

// checkWallet checks that the workload has a wallet of a number.
func checkWallet(r *keys.Reader, w *keys.Count) {
	if wallets := envOf(r).wallets; r.Good(w) && wallets > 0 && int64(*w) >= wallets {
		r.Errorf(r.At(w), "there is no wallet %d; the workload has %d, from 0", *w, wallets)
	}
}

// Fill makes the entry.
func (v *nemesisEntry) Fill(r *keys.Reader, plain reflect.Value) {
	got, script := plain.Addr().Interface().(*harness.Nemesis), envOf(r).script
	got.Event.Line = r.At(v).Line
	got.Event.Action = act(r, v)
	r.Fill(v, got)
	checkWallet(r, &v.Wallet)
	switch v.At {
	case atCommit:
		got.Event.When = &harness.Trigger{Commit: 1, Side: got.Event.Side}
	case atPacket:
		got.Event.When = &harness.Trigger{Packet: 1}
	}
	switch strikes := float64(v.Rate) * script.Seconds(); {
	case script == 0:
		r.Errorf(r.At(v), "the nemesis strikes during the script, which has no length; give workload a rate, or the file a duration")
	case r.Good(&v.Rate) && strikes > maxStrikes:
		r.Errorf(r.At(&v.Rate), "rate is too high; over a script of %s it strikes %.0f times, and %d are allowed", quantity.FormatDuration(script), strikes, maxStrikes)
	}
}

// act returns what the event, or entry, that v points to does, and takes out the defaults
// of keys that do not go with it.
func act(r *keys.Reader, v any) harness.Action {
	action, fields := harness.ActionUnknown, r.Fields(v)
	for _, k := range fields {
		does := actions(k.Key)
		w, isWord := k.Value.(*keys.Word)
		switch {
		case does == nil, !r.Given(k.Value):
		case !isWord || len(does) == 1:
			action = does[0]
		case r.Good(w):
			keys.Must(action.UnmarshalText([]byte(*w)))
		}
	}
	f, _ := fault.Of(action)
	some := keysOfFaults()
	for _, k := range fields {
		if slices.Contains(some, k.Name) && !slices.Contains(f.Keys, k.Name) && !r.Given(k.Value) {
			r.Clear(k.Value)
		}
	}
	return action
}

// checkWhen checks the first occurrence against the script.
func (v *event) checkWhen(r *keys.Reader, got harness.Event) {
	at, script := &v.At, envOf(r).script
	if !r.Given(at) {
		at = &v.Every
	}
	switch {
	case !r.Good(at):
	case script > 0 && got.At >= script:
		r.Errorf(r.At(at), "the event at %s begins after the end of the script, which is %s long; give a later duration or an earlier event",
			quantity.FormatDuration(got.At), quantity.FormatDuration(script))
	case r.Good(&v.Jitter) && got.Jitter > got.At:
		r.Errorf(r.At(&v.Jitter), "jitter %s could move the event at %s before the start", quantity.FormatDuration(got.Jitter), quantity.FormatDuration(got.At))
	case script > 0 && !r.Given(&v.Every) && r.Good(&v.Jitter) && got.At+got.Jitter > script:
		r.Errorf(r.At(&v.Jitter), "jitter %s could move the event at %s past the end of the script, which is %s long, and it would not happen",
			quantity.FormatDuration(got.Jitter), quantity.FormatDuration(got.At), quantity.FormatDuration(script))
	}
}

// Compose writes the event.
func (v *event) Compose(c *keys.Composer, _ keys.Key, plain reflect.Value) {
	e, what := plain.Interface().(harness.Event), fmt.Sprintf("event %d", c.Item)
	composeAct(c, v, plain, e.Action, what)
	if e.When == nil || e.At != 0 {
		v.At = offset{D: e.At}
		c.Accept(&v.At)
	}
	if e.When != nil && e.When.Request > 0 && e.At != 0 {
		c.Refuse("%s begins at %s and at a request", what, quantity.FormatDuration(e.At))
	}
}

// Compose writes the entry.
func (v *nemesisEntry) Compose(c *keys.Composer, _ keys.Key, plain reflect.Value) {
	e := plain.Interface().(harness.Nemesis).Event
	composeAct(c, v, plain, e.Action, fmt.Sprintf("entry %d of the nemesis", c.Item))
	if e.When == nil {
		return
	}
	v.At = atPacket
	if e.When.Commit > 0 {
		v.At = atCommit
	}
	c.Accept(&v.At)
}

// composeAct fills an event, or an entry of the nemesis, with what it does. What names it
// in messages.
func composeAct(c *keys.Composer, v any, plain reflect.Value, action harness.Action, what string) {
	envOf(&c.Reader).What = what
	all := c.Fields(v)
	i := slices.IndexFunc(all, func(k keys.Field) bool { return slices.Contains(actions(k.Key), action) })
	if i < 0 {
		c.Refuse("%s does %q, which no file can say", what, action)
		return
	}
	does := all[i]
	f, _ := fault.Of(action)
	c.ComposeKeys(v, plain, reflect.Zero(plain.Type()), func(k *keys.Key) bool {
		switch {
		case k.Name == does.Name:
			k.Required = true
			return true
		case k.Tag.Get("does") != "", slices.Equal(k.Plain, does.Plain): // the field is that of the deed
			return false
		}
		return k.Default == "" || slices.Contains(f.Keys, k.Name)
	})
	if len(does.Plain) == 0 {
		keys.Must(does.Value.(keys.Leaf).Scalar().Scan(cmp.Or(strings.Join(does.Words, " "), "true")))
		c.Accept(does.Value)
	}
}
