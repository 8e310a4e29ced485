// Package library has what a scenario file can name: profiles of links, traces and radio
// models. It reads the files of profiles and traces that are bundled, and the links of
// scenario files, which start from a profile and change it. Start at [Library] and [Link].
package library

import (
	"io/fs"
	"reflect"
	"slices"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/delivery"
	"github.com/onebar/onebar/harness/keys"
)

// Library is a set of profiles and traces that every scenario file can name. The
// zero Library is empty.
type Library struct {
	profiles []Profile
	traces   []*delivery.Trace
}

// Traces returns the bundled traces.
func (l Library) Traces() []*delivery.Trace { return l.traces }

// Kind is what messages say of a file of scenarios or profiles. What names the file.
func Kind(what string) keys.Kind {
	return keys.Kind{What: what, Empty: "a scenario begins with onebar: 1", One: "a file holds one scenario", Key: "onebar", Synonyms: synonyms()}
}

// Names is what a link or a [Reference] of one file may name. It is embedded in the Env of
// the file's keys.Reader.
type Names struct {
	Library Library
	What    string // the event that is composed, for messages

	traces map[string]*delivery.Trace // those read from files, nil if wrong
	scope  scope
}

func (n *Names) names() *Names { return n }

func namesOf(r *keys.Reader) *Names { return r.Env.(interface{ names() *Names }).names() }

// Add makes the names of the library known, and then the profiles of the file itself.
func (n *Names) Add(r *keys.Reader, local Links) { n.scope = n.Library.links().with(r, local) }

// Profile is a profile of a Library, with what people should know of it.
type Profile struct {
	harness.Profile
	Summary string // one sentence: which network this is
	Source  string // where the figures come from
	Quotes  string // what the source's delay is: one-way, round-trip (halved here) or unstated (halved too)
}

// All returns the profiles in the order of their file.
func (l Library) All() []Profile { return slices.Clone(l.profiles) }

// Get returns the named profile and whether there is one.
func (l Library) Get(name string) (Profile, bool) {
	i := slices.IndexFunc(l.profiles, func(p Profile) bool { return p.Name == name })
	if i < 0 {
		return Profile{}, false
	}
	return l.profiles[i], true
}

// profileFile is a file that holds profiles and nothing else.
type profileFile struct {
	Onebar   keys.Word `yaml:"onebar" required:"true" words:"1" doc:"version of the format"`
	Profiles Links     `yaml:"profiles" required:"true" doc:"profiles by name"`
}

// Profiles reads a file of profiles, such as scenarios.ProfilesFile. The name
// is used in messages. Each profile must have a summary, a source and quotes.
// On error there is no Library, and the error is a [yamltext.Mistakes].
func Profiles(name string, data []byte) (Library, error) { return Library{}.with(name, data) }

// Read is Profiles for a file of a file system, such as scenarios.FS.
// Its files traces/NAME.trace are traces that the profiles, and scenarios, can
// name.
func Read(fsys fs.FS, name string) (Library, error) {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return Library{}, err
	}
	traces, err := readTraces(fsys)
	if err != nil {
		return Library{}, err
	}
	return Library{traces: traces}.with(name, data)
}

// with returns the library with the profiles of a file.
func (l Library) with(name string, data []byte) (Library, error) {
	var f profileFile
	r, ok := keys.Read(name, data, &f, Kind("the file"))
	if !ok {
		return Library{}, r.Err()
	}
	r.Env = &Names{Library: l}
	links := scope{}.with(r, f.Profiles)
	for i := range f.Profiles {
		p := &f.Profiles[i]
		if !r.Given(&p.Summary) || !r.Given(&p.Source) || !r.Given(&p.Quotes) {
			r.Errorf(p.at, "profile %s needs a summary, a source and quotes", p.name)
		}
		link, _ := links.get(p.name)
		l.profiles = append(l.profiles, Profile{Profile: link, Summary: string(p.Summary), Source: string(p.Source), Quotes: string(p.Quotes)})
	}
	if err := r.Err(); err != nil {
		return Library{}, err
	}
	return l, nil
}

func (l Library) links() scope {
	var s scope
	for _, p := range l.profiles {
		s = append(s, p.Profile)
	}
	return s
}

// Links are the profiles of a file in its order.
type Links []namedProfile

type namedProfile struct {
	profile
	name string
	at   keys.Place // of the name
}

// Decode reads them.
func (v *Links) Decode(r *keys.Reader, n keys.Node, path string) {
	pairs, _ := r.Pairs(n, "profiles")
	*v = make(Links, len(pairs))
	for i, p := range pairs {
		var name keys.Slug
		if err := name.Scalar().Scan(p.Name); err != nil {
			r.Errorf(p.Place, "profile name %q %v; expected %s", p.Name, err, name.Scalar().Wants)
		}
		named := &(*v)[i]
		named.name = p.Name
		r.Into(p.Value, &named.profile, "profile "+p.Name, path+"."+p.Name)
		named.at = p.Place
	}
}

// Form is that of a mapping.
func (*Links) Form(w *keys.SchemaWriter) keys.Object {
	return keys.Object{"type": "object", "propertyNames": w.Of(reflect.TypeFor[keys.Slug]()), "additionalProperties": w.Of(reflect.TypeFor[profile]())}
}

// scope is the profiles a link may name. Of two with the same name the later
// one counts: a file's own comes after the bundled one.
type scope []harness.Profile

func (s scope) get(name string) (harness.Profile, bool) {
	for _, p := range slices.Backward(s) {
		if p.Name == name {
			return p, true
		}
	}
	return harness.Profile{}, false
}

// with adds the profiles of a file. Each sees those before it, so that none can
// start from itself.
func (s scope) with(r *keys.Reader, local Links) scope {
	s = slices.Clone(s)
	for i := range local {
		got := s.resolve(r, &local[i].changes)
		got.Name = local[i].name
		s = append(s, got)
	}
	return s
}

// Fill resolves the link.
func (v *Link) Fill(r *keys.Reader, plain reflect.Value) {
	got := namesOf(r).scope.resolve(r, &v.changes)
	if plain.Kind() == reflect.Pointer {
		plain.Set(reflect.ValueOf(&got))
		return
	}
	plain.Set(reflect.ValueOf(got))
}

// resolve returns the profile a link names, with its changes.
func (s scope) resolve(r *keys.Reader, l *changes) harness.Profile {
	var got harness.Profile
	known := !r.Given(&l.Profile)
	if name := string(l.Profile); r.Good(&l.Profile) {
		got, known = s.get(name)
		if !known {
			r.Errorf(r.At(&l.Profile), "there is no profile %q; %s", name, keys.Suggest(name, s.names()))
		}
	}
	up, down := l.Both.then(r, &l.Up), l.Both.then(r, &l.Down)
	up.change(r, &got.Up)
	down.change(r, &got.Down)
	if known {
		reportIdle(r, up.effects(r, &got.Up), down.effects(r, &got.Down))
	}
	return got
}

func (s scope) names() []string {
	var names []string
	for _, p := range s {
		if !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
	}
	return names
}
