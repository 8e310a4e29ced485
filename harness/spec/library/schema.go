package library

import (
	"reflect"

	"github.com/onebar/onebar/harness/keys"
)

// OnlyBundled says that the links of a file without profiles name bundled ones.
func (l Library) OnlyBundled() keys.Object {
	within := func(key string, s keys.Object) keys.Object { return keys.Object{"properties": keys.Object{key: s}} }
	names := keys.Object{"enum": l.links().names()}
	link := keys.Object{"if": keys.Object{"type": "object"}, "then": within("profile", names), "else": names}
	list := keys.Object{"items": within("link", link)}
	return keys.Object{
		"if":   keys.Not(keys.Object{"required": []string{"profiles"}}),
		"then": keys.Object{"properties": keys.Object{"link": link, "timeline": list, "nemesis": list}},
	}
}

// Schema returns the schema of a key that names a profile, a trace or a radio model: what
// is bundled, or what the file has of its own.
func (l Library) Schema(w *keys.SchemaWriter, what string) keys.Object {
	var names []string
	switch what {
	case "profile":
		return keys.AnyOf(keys.Object{"enum": l.links().names()}, w.Of(reflect.TypeFor[keys.Slug]()))
	case "trace":
		for _, t := range l.traces {
			names = append(names, t.Name)
		}
	case "radio":
		names = radios()
	}
	return keys.AnyOf(keys.Object{"enum": names}, keys.Object{"type": "string", "pattern": `[./\\]`})
}
