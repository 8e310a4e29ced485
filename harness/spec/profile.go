package spec

import (
	"io/fs"
	"reflect"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"github.com/onebar/onebar/harness"
)

// Library is a set of profiles and traces that every scenario file can name. The
// zero Library is empty.
type Library struct {
	profiles []Profile
	traces   []*harness.Trace
}

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
	place
	Onebar   word       `yaml:"onebar" required:"true" words:"1" doc:"version of the format"`
	Profiles localLinks `yaml:"profiles" required:"true" doc:"profiles by name"`
}

// Profiles reads a file of profiles, such as scenarios.ProfilesFile. The name
// is used in messages. Each profile must have a summary, a source and quotes.
// On error there is no Library, and the error is a [yamltext.Mistakes].
func Profiles(name string, data []byte) (Library, error) { return Library{}.with(name, data) }

// ReadProfiles is Profiles for a file of a file system, such as scenarios.FS.
// Its files traces/NAME.trace are traces that the profiles, and scenarios, can
// name.
func ReadProfiles(fsys fs.FS, name string) (Library, error) {
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
	d, root := parse(name, data)
	if root == nil {
		return Library{}, d.err()
	}
	d.lib = l
	var f profileFile
	d.into(root, &f, "the file")
	links := scope{}.with(d, f.Profiles)
	for _, p := range f.Profiles {
		if !p.Summary.given() || !p.Source.given() || !p.Quotes.given() {
			d.errorf(p.place, "profile %s needs a summary, a source and quotes", p.name)
		}
		link, _ := links.get(p.name)
		l.profiles = append(l.profiles, Profile{Profile: link, Summary: p.Summary.s, Source: p.Source.s, Quotes: p.Quotes.s})
	}
	if err := d.err(); err != nil {
		return Library{}, err
	}
	return l, nil
}

func (l Library) links() scope {
	var s scope
	for _, p := range l.profiles {
		s.known = append(s.known, p.Profile)
	}
	return s
}

// localLinks are the profiles of a file in its order.
type localLinks []namedProfile

type namedProfile struct {
	profile
	name string
}

func (v *localLinks) decode(d *decoder, n ast.Node) {
	pairs, _ := d.pairs(n, "profiles")
	for _, p := range pairs {
		var name slug
		if err := name.scan(p.name); err != nil {
			d.errorf(p.place, "profile name %q %v; expected %s", p.name, err, name.wants())
		}
		named := namedProfile{name: p.name}
		d.into(p.value, &named.profile, "profile "+p.name)
		named.standAt(p.place)
		*v = append(*v, named)
	}
}

// scope is the profiles a link may name. Of two with the same name the later
// one counts: a file's own comes after the bundled one.
type scope struct{ known []harness.Profile }

func (s scope) get(name string) (harness.Profile, bool) {
	for _, p := range slices.Backward(s.known) {
		if p.Name == name {
			return p, true
		}
	}
	return harness.Profile{}, false
}

// with adds the profiles of a file. Each sees those before it, so that none can
// start from itself.
func (s scope) with(d *decoder, local localLinks) scope {
	s.known = slices.Clone(s.known)
	for _, p := range local {
		got := s.resolve(d, &p.changes)
		got.Name = p.name
		s.known = append(s.known, got)
	}
	return s
}

func (v *link) fill(d *decoder, plain reflect.Value) {
	got := d.scope.resolve(d, &v.changes)
	assign(plain, reflect.ValueOf(got), nil)
}

// resolve returns the profile a link names, with its changes.
func (s scope) resolve(d *decoder, l *changes) harness.Profile {
	var got harness.Profile
	known := !l.Profile.given()
	if l.Profile.ok {
		found, ok := s.get(l.Profile.s)
		if !ok {
			d.errorf(l.Profile.place, "there is no profile %q; %s", l.Profile.s, suggest(l.Profile.s, s.names()))
		}
		got = found
		known = ok
	}
	up, down := l.Both.then(l.Up), l.Both.then(l.Down)
	up.change(d, &got.Up)
	down.change(d, &got.Down)
	if known {
		d.report(up.effects(&got.Up), down.effects(&got.Down))
	}
	return got
}

func (s scope) names() []string {
	var names []string
	for _, p := range s.known {
		if !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
	}
	return names
}
