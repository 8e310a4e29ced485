package spec

import (
	"maps"
	"reflect"
	"slices"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
)

// This file has the rules between the keys of one mapping. Those of rulesOf are for the
// program and the JSON Schema. The others are for the schema only: the program reports
// them with what it knows beside, in timeline.go, trigger.go and the subject's files;
// schema_test.go holds the two together.

// rule is a rule between the keys of one mapping.
type rule struct {
	schema object
	// broken returns what is wrong if some keys are given: texts, by the key at which it
	// is; the empty key is the mapping.
	broken func(given set) map[string]string
	first  bool // the rules after it are for mappings that keep it
}

// set is a set of keys.
type set map[string]bool

// rulesOf returns the rules that a mapping of a type must keep.
func rulesOf(t reflect.Type) []rule {
	switch t {
	case reflect.TypeFor[workload]():
		return []rule{needs("presses", "impatience", "presses without impatience has no effect; give impatience, such as 5s")}
	case reflect.TypeFor[loss]():
		return []rule{either("share", "gemodel", "loss is empty; expected a percentage such as 2%, or gemodel", "loss has both share and gemodel; give one")}
	case reflect.TypeFor[path]():
		return []rule{without("trace", "rate", "trace and rate are given for one path; a trace takes the place of a rate")}
	case reflect.TypeFor[trigger]():
		return []rule{
			oneOfThem("when needs a packet, a commit or a request, one of them", "packet", "commit", "request"),
			needs("packet", "direction", "when needs the direction of its packet: up or down").ofMapping(),
			bars("packet", "a packet", "after", "moment", "wait"),
			bars("request", "a request", "wallet", "direction", "after"),
			bars("commit", "a commit", "wallet", "direction", "moment", "wait"),
		}
	case reflect.TypeFor[event]():
		return append(rulesOf(reflect.TypeFor[nemesisEntry]()), needs("drop", "when", "drop needs when: which packet").ofMapping(),
			bars("when", "when: the event begins when that has come", "at", "every", "jitter"))
	case reflect.TypeFor[nemesisEntry]():
		return []rule{needs("slow", "by", "slow needs by: how late each answer is").ofMapping()}
	case reflect.TypeFor[execClient]():
		return []rule{without("kernel", "shared", "kernel does not go with shared: a namespace has the link of one wallet")}
	case reflect.TypeFor[ready]():
		return []rule{
			without("line", "http", "ready has both http and line; give one"),
			needs("status", "http", "status has no effect without http; give one"),
		}
	case reflect.TypeFor[container]():
		const text = "a container needs one of image and build"
		return []rule{either("image", "build", text, text).ofMapping(), needs("dockerfile", "build", "dockerfile has no effect without build; give one")}
	}
	return nil
}

// keep reports the rules that a mapping breaks. These mistakes come after others of
// their place.
func (d *decoder) keep(v any, at place) {
	s := reflect.ValueOf(v).Elem()
	given := set{}
	for _, name := range givenOf(v) {
		given[name] = true
	}
	for _, r := range rulesOf(s.Type()) {
		broken := r.broken(given)
		for name, text := range broken {
			at := at
			if i := slices.IndexFunc(keysOf(s.Type()), func(k key) bool { return k.name == name }); i >= 0 {
				at = placeIn(s.FieldByIndex(keysOf(s.Type())[i].index))
			}
			d.rules = append(d.rules, d.mistake(at, text))
		}
		if r.first && len(broken) > 0 {
			return
		}
	}
}

// needs is a key that needs another.
func needs(key, other, text string) rule {
	return rule{schema: dependent(key, other), broken: func(given set) map[string]string {
		return wrong(given[key] && !given[other], key, text)
	}}
}

// without is a key that does not go with another.
func without(key, other, text string) rule {
	return rule{schema: apart(key, other), broken: func(given set) map[string]string {
		return wrong(given[key] && given[other], key, text)
	}}
}

// bars is a key with which others do not go.
func bars(key, what string, others ...string) rule {
	return rule{schema: apart(key, others...), broken: func(given set) map[string]string {
		all := map[string]string{}
		for _, other := range others {
			maps.Copy(all, wrong(given[key] && given[other], other, other+" does not go with "+what))
		}
		return all
	}}
}

// either is one of two keys, and not both.
func either(key, other, none, both string) rule {
	return rule{schema: one(key, other), broken: func(given set) map[string]string {
		if given[key] {
			return wrong(given[other], other, both)
		}
		return wrong(!given[other], "", none)
	}}
}

// oneOfThem is exactly one of several keys.
func oneOfThem(text string, keys ...string) rule {
	return rule{first: true, schema: one(keys...), broken: func(given set) map[string]string {
		n := 0
		for _, key := range keys {
			if given[key] {
				n++
			}
		}
		return wrong(n != 1, "", text)
	}}
}

// ofMapping is the rule reported at the mapping.
func (r rule) ofMapping() rule {
	of := r.broken
	r.broken = func(given set) map[string]string {
		for _, text := range of(given) {
			return wrong(true, "", text)
		}
		return nil
	}
	return r
}

func wrong(is bool, key, text string) map[string]string {
	if !is {
		return nil
	}
	return map[string]string{key: text}
}

// keyRules returns the schemas that a mapping of a type must meet beside its keys.
func keyRules(t reflect.Type, w schemaWriter) []object {
	var rules []object
	for _, r := range rulesOf(t) {
		rules = append(rules, r.schema)
	}
	switch t {
	case reflect.TypeFor[file]():
		return w.fileRules()
	case reflect.TypeFor[subject]():
		others := []string{"client", "server", "ledger"}
		return []object{allOrNone(others...), apart("broken", others...), dependent("terminate", "client")}
	case reflect.TypeFor[subjectClient](), reflect.TypeFor[subjectLedger]():
		return []object{{"minProperties": 1, "maxProperties": 1}}
	case reflect.TypeFor[subjectServer]():
		return []object{{"minProperties": 1, "maxProperties": 1}, within("container", has("port")), within("address", object{"pattern": `.:[1-9][0-9]{0,4}$`})}
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
