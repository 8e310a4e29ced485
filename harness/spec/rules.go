package spec

import (
	"maps"
	"reflect"
	"slices"

	"github.com/onebar/onebar/harness/fault"
)

// This file has the rules between the keys of one mapping, as a JSON Schema can say
// them. build.go, timeline.go, trigger.go and the subject's files report them with
// their reasons; schema_test.go holds the two together.

// keyRules returns the schemas that a mapping of a type must meet beside its keys.
func keyRules(t reflect.Type, w schemaWriter) []object {
	switch t {
	case reflect.TypeFor[file]():
		return w.fileRules()
	case reflect.TypeFor[subject]():
		others := []string{"client", "server", "ledger"}
		return []object{
			allOrNone(others...), without("broken", others...), needs("terminate", "client"),
		}
	case reflect.TypeFor[subjectClient](), reflect.TypeFor[subjectLedger]():
		return []object{{"minProperties": 1, "maxProperties": 1}}
	case reflect.TypeFor[subjectServer]():
		return []object{{"minProperties": 1, "maxProperties": 1}, within("container", has("port")), within("address", object{"pattern": `.:[1-9][0-9]{0,4}$`})}
	case reflect.TypeFor[execClient]():
		return []object{without("kernel", "shared"), within("command", object{"minItems": 1})}
	case reflect.TypeFor[execServer](), reflect.TypeFor[program]():
		return []object{within("command", object{"minItems": 1})}
	case reflect.TypeFor[ready]():
		return []object{without("line", "http"), needs("status", "http"), within("http", object{"pattern": "^/"})}
	case reflect.TypeFor[container]():
		return []object{one("image", "build"), needs("dockerfile", "build")}
	case reflect.TypeFor[workload]():
		return []object{needs("presses", "impatience")}
	case reflect.TypeFor[loss]():
		return []object{one("share", "gemodel")}
	case reflect.TypeFor[path]():
		return []object{without("trace", "rate")}
	case reflect.TypeFor[trigger]():
		rules := []object{one("packet", "commit", "request"), needs("packet", "direction")}
		for _, at := range slices.Sorted(maps.Keys(barred())) {
			rules = append(rules, without(at, barred()[at]...))
		}
		return rules
	case reflect.TypeFor[event]():
		return append(actionRules(false), eventRules()...)
	case reflect.TypeFor[trouble]():
		return append(actionRules(true), object{"if": anyOf(thatDo(func(f fault.Fault) bool {
			return f.Random && f.Length == fault.Lasting
		})), "then": has("for")})
	case reflect.TypeFor[toxic]():
		return toxicRules()
	}
	return nil
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
func actionRules(random bool) []object {
	var keys []string
	for _, a := range actions() {
		if f, _ := fault.Of(a.does[0]); f.Random || !random {
			keys = append(keys, a.key)
		}
	}
	rules := []object{one(keys...), needs("slow", "by")}
	for _, k := range keysOfFaults() {
		rules = append(rules, object{"dependentSchemas": object{k: anyOf(thatDo(func(f fault.Fault) bool {
			return (f.Random || !random) && slices.Contains(f.Keys, k)
		}))}})
	}
	return rules
}

// eventRules are those about when an event begins.
func eventRules() []object {
	periodic := func(f fault.Fault) bool { return f.Length == fault.Lasting && fault.Counts(f.Action) }
	starts := func(s fault.Starts) func(fault.Fault) bool {
		return func(f fault.Fault) bool { return f.Starts&s != 0 || s == fault.AtRequest && f.Starts == 0 }
	}
	return []object{
		anyOf([]object{has("when"), has("at"), has("every")}), without("when", "at", "every", "jitter"), needs("drop", "when"),
		{"if": object{"allOf": []object{has("every"), anyOf(thatDo(periodic))}}, "then": has("for")},
		{"if": with(object{"when": has("commit")}, "when"), "then": anyOf(thatDo(starts(fault.AtCommit)))},
		{"if": with(object{"when": has("request")}, "when"), "then": anyOf(thatDo(starts(fault.AtRequest)))},
	}
}

// thatDo returns schemas of the events whose fault is chosen.
func thatDo(chosen func(fault.Fault) bool) []object {
	var events []object
	for _, a := range actions() {
		var words []string
		for _, does := range a.does {
			if f, ok := fault.Of(does); ok && chosen(f) {
				words = append(words, does.String())
			}
		}
		switch {
		case len(words) == 0:
		case len(a.does) == 1:
			events = append(events, has(a.key))
		default:
			events = append(events, with(object{a.key: object{"enum": words}}, a.key))
		}
	}
	return events
}

// toxicRules are those between the type of a toxic and its attributes.
func toxicRules() []object {
	var rules []object
	types := toxicTypes()
	for _, name := range slices.Sorted(maps.Keys(types)) {
		kind := types[name]
		then := has(kind.needs...)
		then["propertyNames"] = object{"enum": slices.Concat([]string{"type", "stream", "connections"}, kind.needs, kind.takes)}
		rules = append(rules, object{"if": with(object{"type": object{"const": name}}, "type"), "then": then})
	}
	return rules
}

// The rules are made of these.

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

func needs(key string, keys ...string) object {
	return object{"dependentRequired": object{key: keys}}
}

func without(key string, keys ...string) object {
	return object{"dependentSchemas": object{key: not(anyOf(each(keys)))}}
}

func allOrNone(keys ...string) object {
	all := object{}
	for _, k := range keys {
		all[k] = keys
	}
	return object{"dependentRequired": all}
}
