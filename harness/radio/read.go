package radio

import (
	"cmp"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/onebar/onebar/harness"
)

// ReadModel reads a model file; the name is used in messages. Reading is strict,
// and reports every mistake at once: if the error is not nil it is a [yamltext.Mistakes],
// and there is no model. docs/energy.md is the reference of the format.
func ReadModel(name string, data []byte) (*Model, error) {
	r := reader{decoder: decoder{file: name}, model: &Model{Burst: DefaultBurst}}
	if root := r.parse(data[:min(len(data), maxFile+1)]); root != nil {
		r.file(root)
		r.resolve()
	}
	if len(r.mistakes) > 0 {
		return nil, r.mistakes.Sorted(name)
	}
	return r.model, nil
}

// reader reads a model. Names of states are looked up when all are known.
type reader struct {
	decoder
	model  *Model
	names  []reference
	states []where
	window place
	burst  place
}

// reference is the name of a state in the file.
type reference struct {
	at   place
	name string
	to   *int
}

// where is what was given of a state, and where.
type where struct {
	at    place
	keys  map[string]place
	rules []map[string]place
}

func (r *reader) file(root ast.Node) {
	m := r.model
	keys := r.mapping(root, "the model",
		required("radio", r.word("radio", []string{"1"}, func(int) {})),
		required("name", r.slug("name", &m.Name)),
		required("title", r.text("title", &m.Title)),
		required("kind", r.slug("kind", &m.Kind)),
		required("source", r.text("source", &m.Source)),
		required("confirmed", r.word("confirmed", []string{"yes", "recalled", "weak"}, func(i int) { m.Confirmed = Trust(i + 1) })),
		optional("note", r.text("note", &m.Note)),
		optional("link_header", func(n ast.Node) {
			var size int64
			r.bytes("link_header", &size)(n)
			m.LinkHeader = int(size)
		}),
		optional("burst", r.duration("burst", 0, &m.Burst)),
		optional("per_byte", func(n ast.Node) {
			r.mapping(n, "per_byte", optional("up", r.joules("up", &m.UpJoule)), optional("down", r.joules("down", &m.DownJoule)))
		}),
		required("states", func(n ast.Node) { r.list(n, "states", r.state) }),
		optional("window", r.readWindow))
	r.burst = keys["burst"]
}

// name reads the name of a state to be looked up later.
func (r *reader) name(what string, to *int) func(ast.Node) {
	return func(n ast.Node) {
		var name string
		r.text(what, &name)(n)
		if name != "" {
			r.names = append(r.names, reference{placeOf(n), name, to})
		}
	}
}

func (r *reader) state(n ast.Node) {
	if len(r.model.States) == MaxStates {
		r.errorf(placeOf(n), "a model has at most %d states", MaxStates)
		return
	}
	if r.model.States == nil {
		r.model.States = make([]State, 0, MaxStates) // references point into it
	}
	r.model.States = append(r.model.States, State{})
	s := &r.model.States[len(r.model.States)-1]
	w := where{at: placeOf(n)}
	w.keys = r.mapping(n, "the state",
		required("name", r.text("name", &s.Name)),
		required("power", r.power("power", &s.Power)),
		optional("lasts", r.duration("lasts", time.Millisecond, &s.Lasts)),
		optional("then", r.name("then", &s.Then)),
		optional("busy", r.name("busy", &s.Busy)),
		optional("resume", r.name("resume", &s.Resume)),
		optional("renew", r.bytes("renew", &s.Renew)),
		optional("queue", func(n ast.Node) {
			r.mapping(n, "queue",
				optional("up", r.drain("up", &s.Queue.Up)),
				optional("down", r.drain("down", &s.Queue.Down)),
				optional("counts_entry", r.boolean("counts_entry", &s.Queue.CountsEntry)))
		}),
		optional("promotions", func(n ast.Node) {
			s.Promotions = make([]Promotion, 0, MaxPromotions)
			r.list(n, "promotions", func(n ast.Node) { r.promotion(n, s, &w) })
		}))
	r.states = append(r.states, w)
}

func (r *reader) promotion(n ast.Node, s *State, w *where) {
	if len(s.Promotions) == MaxPromotions {
		r.errorf(placeOf(n), "a model has at most %d promotions", MaxPromotions)
		return
	}
	s.Promotions = append(s.Promotions, Promotion{Over: -1})
	p := &s.Promotions[len(s.Promotions)-1]
	ways := []harness.Direction{harness.Up, harness.Down}
	keys := r.mapping(n, "the promotion",
		optional("on", r.word("on", []string{"up", "down"}, func(i int) { p.On = ways[i] })),
		optional("over", r.bytes("over", &p.Over)),
		required("to", r.name("to", &p.To)),
		optional("takes", r.duration("takes", time.Millisecond, &p.Takes)),
		optional("at_least", r.duration("at_least", 0, &p.AtLeast)),
		optional("at_most", r.duration("at_most", 0, &p.AtMost)),
		optional("booked", r.word("booked", []string{"before", "after", "revised"}, func(i int) { p.Booked = Booking(i + 1) })),
		optional("power", r.watts("power", &p.Power)),
		optional("energy", r.joules("energy", &p.Energy)))
	if _, given := keys["at_least"]; !given {
		p.AtLeast = p.Takes
	}
	p.AtMost = cmp.Or(p.AtMost, p.Takes)
	keys["here"] = placeOf(n)
	w.rules = append(w.rules, keys)
}

func (r *reader) readWindow(n ast.Node) {
	w := &r.model.Window
	r.window = placeOf(n)
	r.mapping(n, "window",
		required("length", r.duration("length", time.Millisecond, &w.Length)),
		required("in", r.name("in", &w.From)),
		required("over", r.count("over", &w.Over, &w.Packets)),
		required("becomes", r.name("becomes", &w.To)))
}
