package baseline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/onebar/onebar/harness/result"
)

// Format is the version of the format of a baseline file. It is raised when a field changes its
// meaning or is removed, and when figures do.
const Format = 1

// line is one line of a file: the first has Format, Build and Reason; the first one of a
// group has its Seeds, Hash and Machine; all others a Figure with its Values.
type line struct {
	Format   int         `json:"onebar_baseline,omitempty"`
	Build    string      `json:"build,omitempty"`
	Reason   string      `json:"reason,omitempty"`
	Scenario string      `json:"scenario,omitempty"`
	Engine   string      `json:"engine,omitempty"`
	Hash     string      `json:"hash,omitempty"`
	Machine  string      `json:"machine,omitempty"`
	Seeds    []uint64    `json:"seeds,omitempty"` // of the runs, ascending
	Figure   string      `json:"figure,omitempty"`
	Unit     result.Unit `json:"unit,omitempty"`
	Values   []*float64  `json:"values,omitempty"` // of each run, or one if all are the same; null is not measured
}

// Write writes the set as a baseline file. It writes nothing if some runs cannot be compared.
func (s Set) Write(w io.Writer) error {
	lines := []line{{Format: Format, Build: s.Build, Reason: s.Reason}}
	var errs []error
	for _, g := range s.groups {
		g = g.once()
		if g.bad != "" {
			errs = append(errs, fmt.Errorf("%s on %s: %s", g.scenario, g.engine, g.bad))
		}
		lines = append(lines, line{Scenario: g.scenario, Engine: g.engine, Seeds: g.seeds, Hash: g.hash, Machine: g.machine})
		for _, f := range g.figures {
			l := line{Scenario: g.scenario, Engine: g.engine, Figure: f.name, Unit: f.unit}
			values := f.values
			if slices.Min(values) == slices.Max(values) { // neither is true if one was not measured
				values = values[:1]
			}
			for _, v := range values {
				l.Values = append(l.Values, median(measured([]float64{v})))
			}
			lines = append(lines, l)
		}
	}
	if len(s.groups) == 0 {
		errs = append(errs, errors.New("there are no runs"))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for _, l := range lines {
		if err := e.Encode(l); err != nil {
			return err
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// Is reports whether a file with this text is a baseline, and not the JSON report of runs.
func Is(text []byte) bool { return bytes.HasPrefix(text, []byte(`{"onebar_baseline"`)) }

// Read reads the text of a baseline file. It returns no set with an error, which names the
// line.
func Read(text []byte) (Set, error) {
	var s Set
	n := 0
	for row := range bytes.Lines(text) {
		n++
		var l line
		err := json.Unmarshal(row, &l)
		if err == nil && n == 1 {
			err = s.begin(l)
		} else if err == nil {
			err = s.add(l)
		}
		if err != nil {
			return Set{}, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if len(s.groups) == 0 {
		return Set{}, errors.New("there are no runs in it: write it with onebar baseline")
	}
	return s, nil
}

func (s *Set) begin(l line) error {
	switch l.Format {
	case Format:
	case 0:
		return errors.New("not the first line of a baseline: expected a file that onebar baseline has written")
	default:
		return fmt.Errorf("the baseline has format %d, and this onebar reads format %d: write it again with onebar baseline --reason", l.Format, Format)
	}
	s.Build, s.Reason = l.Build, l.Reason
	return nil
}

// add adds a line to the set.
func (s *Set) add(l line) error {
	k, last := key{l.Scenario, l.Engine}, &group{}
	if n := len(s.groups); n > 0 {
		last = s.groups[n-1]
	}
	switch {
	case len(l.Seeds) == 0 && (len(last.seeds) == 0 || last.key != k):
		return fmt.Errorf("figure %q of %s on %s: the line with its seeds is missing", l.Figure, l.Scenario, l.Engine)
	case len(l.Seeds) == 0:
		return last.add(l)
	case !slices.IsSorted(l.Seeds):
		return fmt.Errorf("%s on %s: expected ascending seeds", k.scenario, k.engine)
	case last.compare(k) >= 0:
		return fmt.Errorf("%s on %s comes after %s: expected each once, and sorted", k.scenario, k.engine, last.scenario)
	}
	s.groups = append(s.groups, &group{key: k, machine: l.Machine, hash: l.Hash, seeds: l.Seeds})
	return nil
}

func (g *group) add(l line) error {
	if len(l.Values) == 1 {
		l.Values = slices.Repeat(l.Values, len(g.seeds))
	}
	if len(l.Values) != len(g.seeds) {
		return fmt.Errorf("figure %s has %d values: expected one for each of the %d seeds", l.Figure, len(l.Values), len(g.seeds))
	}
	if n := len(g.figures); n > 0 && g.figures[n-1].name >= l.Figure {
		return fmt.Errorf("figure %s comes after %s: expected each once, and sorted", l.Figure, g.figures[n-1].name)
	}
	f := figure{name: l.Figure, unit: l.Unit}
	for _, v := range l.Values {
		if v == nil {
			f.values = append(f.values, math.NaN())
		} else {
			f.values = append(f.values, *v)
		}
	}
	g.figures = append(g.figures, f)
	return nil
}
