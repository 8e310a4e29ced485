package spec

import (
	"reflect"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
)

// This file has the rules between the keys of one mapping. Those of rulesOf are for the
// program and the JSON Schema. The others are for the schema only: the program reports
// them with what it knows beside, in timeline.go, trigger.go and the subject's files;
// schema_test.go holds the two together.

// rule is a rule between the keys of one mapping: one of needs, bars and one.
type rule struct {
	key   string   // it is for mappings with this key
	needs string   // which needs this one
	bars  []string // and goes with none of these
	one   []string // exactly one of these is needed, and the rules after it are for mappings that have one

	text string // if it is broken
	both string // if there are several of one, if that is another text
	at   string // the key that is wrong; without it the mapping, or each key that is barred
}

// rulesOf returns the rules that a mapping of a type must keep.
func rulesOf(t reflect.Type) []rule {
	switch t {
	case reflect.TypeFor[workload]():
		return []rule{{key: "presses", needs: "impatience", at: "presses", text: "presses without impatience has no effect; give impatience, such as 5s"}}
	case reflect.TypeFor[loss]():
		return []rule{{
			one: []string{"share", "gemodel"}, text: "loss is empty; expected a percentage such as 2%, or gemodel",
			both: "loss has both share and gemodel; give one", at: "gemodel",
		}}
	case reflect.TypeFor[path]():
		return []rule{{key: "trace", bars: []string{"rate"}, at: "trace", text: "trace and rate are given for one path; a trace takes the place of a rate"}}
	case reflect.TypeFor[trigger]():
		return []rule{
			{one: []string{"packet", "commit", "request"}, text: "when needs a packet, a commit or a request, one of them"},
			{key: "packet", needs: "direction", text: "when needs the direction of its packet: up or down"},
			{key: "packet", bars: []string{"after", "moment", "wait"}, text: "does not go with a packet"},
			{key: "request", bars: []string{"wallet", "direction", "after"}, text: "does not go with a request"},
			{key: "commit", bars: []string{"wallet", "direction", "moment", "wait"}, text: "does not go with a commit"},
		}
	case reflect.TypeFor[event]():
		return []rule{
			{key: "slow", needs: "by", text: "slow needs by: how late each answer is"},
			{key: "slow_disk", needs: "by", text: "slow_disk needs by: how much longer each commit takes"},
			{key: "drop", needs: "when", text: "drop needs when: which packet"},
			{key: "when", bars: []string{"at", "every", "jitter"}, text: "does not go with when: the event begins when that has come"},
		}
	case reflect.TypeFor[nemesisEntry]():
		return rulesOf(reflect.TypeFor[event]())[:2]
	case reflect.TypeFor[subjectClient](), reflect.TypeFor[subjectServer](), reflect.TypeFor[subjectLedger]():
		all, what := names(keysOf(t)), strings.ToLower(strings.TrimPrefix(t.Name(), "subject"))
		return []rule{{one: all, text: what + " needs exactly one of " + strings.Join(all, ", ")}}
	case reflect.TypeFor[execClient]():
		return []rule{{key: "kernel", bars: []string{"shared"}, at: "kernel", text: "kernel does not go with shared: a namespace has the link of one wallet"}}
	case reflect.TypeFor[ready]():
		return []rule{
			{key: "line", bars: []string{"http"}, at: "line", text: "ready has both http and line; give one"},
			{key: "status", needs: "http", at: "status", text: "status has no effect without http; give one"},
		}
	case reflect.TypeFor[container]():
		return []rule{
			{key: "dockerfile", needs: "build", at: "dockerfile", text: "dockerfile has no effect without build; give one"},
			{one: []string{"image", "build"}, text: "a container needs one of image and build"},
		}
	}
	return nil
}

// broken returns what is wrong with a mapping that has some keys: texts, by the key. The
// empty key is the mapping.
func (r rule) broken(given []string) map[string]string {
	has := func(keys ...string) (found []string) {
		return slices.DeleteFunc(keys, func(k string) bool { return !slices.Contains(given, k) })
	}
	found := len(has(slices.Clone(r.one)...))
	switch {
	case r.one != nil && found > 1 && r.both != "":
		return map[string]string{r.at: r.both}
	case r.one != nil && found != 1:
		return map[string]string{"": r.text}
	case r.one != nil || len(has(r.key)) == 0:
		return nil
	case r.needs != "" && len(has(r.needs)) == 0:
		return map[string]string{r.at: r.text}
	}
	wrong := map[string]string{}
	for _, k := range has(slices.Clone(r.bars)...) {
		if r.at != "" {
			wrong[r.at] = r.text
			continue
		}
		wrong[k] = k + " " + r.text
	}
	return wrong
}

func (r rule) schema() object {
	switch {
	case r.one != nil:
		return one(r.one...)
	case r.needs != "":
		return dependent(r.key, r.needs)
	}
	return apart(r.key, r.bars...)
}

// keep reports the rules that a mapping with these keys breaks. These mistakes come
// after others of their place.
func (d *decoder) keep(v any, keys []key, at place) {
	s := reflect.ValueOf(v).Elem()
	rules := rulesOf(s.Type())
	if len(rules) == 0 {
		return
	}
	given := givenOf(v)
	for _, r := range rules {
		broken := r.broken(given)
		for name, text := range broken {
			at := at
			if i := slices.IndexFunc(keys, func(k key) bool { return k.name == name }); i >= 0 {
				at = placeIn(s.FieldByIndex(keys[i].index))
			}
			d.rules = append(d.rules, d.mistake(at, text))
		}
		if r.one != nil && len(broken) > 0 {
			return
		}
	}
}

// keyRules returns the schemas that a mapping of a type must meet beside its keys.
func keyRules(t reflect.Type, w schemaWriter) []object {
	var rules []object
	for _, r := range rulesOf(t) {
		rules = append(rules, r.schema())
	}
	switch t {
	case reflect.TypeFor[file]():
		return w.fileRules()
	case reflect.TypeFor[subject]():
		others := []string{"client", "server", "ledger"}
		return []object{allOrNone(others...), apart("broken", others...), dependent("terminate", "client")}
	case reflect.TypeFor[subjectServer]():
		return append(rules, within("container", has("port")), within("address", object{"pattern": `.:[1-9][0-9]{0,4}$`}))
	case reflect.TypeFor[execClient](), reflect.TypeFor[execServer](), reflect.TypeFor[program]():
		return append(rules, within("command", object{"minItems": 1}))
	case reflect.TypeFor[ready]():
		return append(rules, within("http", object{"pattern": "^/"}))
	case reflect.TypeFor[event]():
		return slices.Concat(rules, actionRules(t), eventRules())
	case reflect.TypeFor[nemesisEntry]():
		return append(slices.Concat(rules, actionRules(t)), object{
			"if": anyOf(thatDo(t, func(f fault.Fault) bool { return f.Random && f.Length == fault.Lasting })), "then": has("for"),
		})
	case reflect.TypeFor[toxic]():
		return toxicRules()
	}
	return rules
}

// fileRules are those between the sections of a file.
func (w schemaWriter) fileRules() []object {
	bundled := object{"if": object{"type": "object"}, "then": within("profile", object{"enum": w.lib.links().names()}), "else": object{"enum": w.lib.links().names()}}
	linked := object{"items": within("link", bundled)}
	return []object{
		{"if": not(has("profiles")), "then": object{"properties": object{"link": bundled, "timeline": linked, "nemesis": linked}}},
		{"if": with(object{"engine": object{"const": "sim"}}, "engine"), "then": within("subject", not(has("client")))},
		{"if": with(object{"nemesis": object{"minItems": 1}}, "nemesis"), "then": anyOf([]object{has("duration"), within("workload", has("rate"))})},
	}
}

// actionRules are those between the keys of an event, or of an entry of the nemesis:
// one action, and what goes with it.
func actionRules(t reflect.Type) []object {
	rules := []object{one(names(deeds(t))...)}
	for _, k := range keysOfFaults() {
		rules = append(rules, object{"dependentSchemas": object{k: anyOf(thatDo(t, func(f fault.Fault) bool { return slices.Contains(f.Keys, k) }))}})
	}
	return rules
}

// eventRules are those about when an event begins.
func eventRules() []object {
	periodic := func(f fault.Fault) bool { return f.Length == fault.Lasting && fault.Counts(f.Action) }
	starts := func(s fault.Starts) func(fault.Fault) bool {
		return func(f fault.Fault) bool { return f.Starts&s != 0 || s == fault.AtRequest && f.Starts == 0 }
	}
	that := func(chosen func(fault.Fault) bool) object { return anyOf(thatDo(reflect.TypeFor[event](), chosen)) }
	return []object{
		anyOf([]object{has("when"), has("at"), has("every")}),
		{"if": object{"allOf": []object{has("every"), that(periodic)}}, "then": has("for")},
		{"if": with(object{"when": has("commit")}, "when"), "then": that(starts(fault.AtCommit))},
		{"if": with(object{"when": has("request")}, "when"), "then": that(starts(fault.AtRequest))},
	}
}

// thatDo returns schemas of the events, or entries, whose fault is chosen.
func thatDo(t reflect.Type, chosen func(fault.Fault) bool) []object {
	var events []object
	for _, k := range deeds(t) {
		var words []string
		for _, does := range k.does {
			if f, ok := fault.Of(does); ok && chosen(f) {
				words = append(words, does.String())
			}
		}
		switch {
		case len(words) == 0:
		case len(k.does) == 1:
			events = append(events, has(k.name))
		default:
			events = append(events, with(object{k.name: object{"enum": words}}, k.name))
		}
	}
	return events
}

// toxicRules are those between the type of a toxic and its attributes.
func toxicRules() []object {
	var rules []object
	for _, kind := range harness.ToxicTypes() {
		needed, all := []string{}, []string{"type", "stream", "connections"}
		for _, a := range harness.ToxicAttributes(kind) {
			all = append(all, a.Name)
			if a.InFiles {
				needed = append(needed, a.Name)
			}
		}
		then := has(needed...)
		then["propertyNames"] = object{"enum": all}
		rules = append(rules, object{"if": with(object{"type": object{"const": kind}}, "type"), "then": then})
	}
	return rules
}

// The schemas of rules are made of these.

func has(keys ...string) object { return object{"required": append([]string{}, keys...)} }

// with is a mapping that has the keys, with values that meet the schemas.
func with(values object, keys ...string) object {
	return object{"properties": values, "required": keys}
}

func within(key string, s object) object { return object{"properties": object{key: s}} }

func not(s object) object { return object{"not": s} }

func anyOf(list []object) object { return object{"anyOf": list} }

// one is exactly one of the keys.
func one(keys ...string) object { return object{"oneOf": each(keys)} }

func each(keys []string) []object {
	var list []object
	for _, k := range keys {
		list = append(list, has(k))
	}
	return list
}

func dependent(key string, keys ...string) object {
	return object{"dependentRequired": object{key: keys}}
}

func apart(key string, keys ...string) object {
	return object{"dependentSchemas": object{key: not(anyOf(each(keys)))}}
}

func allOrNone(keys ...string) object {
	all := object{}
	for _, k := range keys {
		all[k] = keys
	}
	return object{"dependentRequired": all}
}
