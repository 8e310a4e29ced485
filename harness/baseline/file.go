package baseline

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Format is the version of the format of a baseline file. It is raised when a field changes its
// meaning or is removed, and when figures do.
const Format = 1

// line is one line of a file: the first has Format, Build and Reason; the first one of a
// group has its Seeds, Hash and Machine; all others a Figure with its Values.
type line struct {
	Format   int    `json:"onebar_baseline,omitempty"`
	Build    string `json:"build,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Scenario string `json:"scenario,omitempty"`
	Engine   string `json:"engine,omitempty"`
	Seeds    string `json:"seeds,omitempty"` // as in "1..20" or "1*6 2*6"
	Hash     string `json:"hash,omitempty"`
	Machine  string `json:"machine,omitempty"`
	Figure   string `json:"figure,omitempty"`
	Unit     string `json:"unit,omitempty"`
	Values   string `json:"values,omitempty"` // one for each seed, as in "1200*17 1224 -*2"; - is not measured
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
		lines = append(lines, line{Scenario: g.scenario, Engine: g.engine, Seeds: seedText(g.seeds), Hash: g.hash, Machine: g.machine})
		for _, f := range g.figures {
			lines = append(lines, line{Scenario: g.scenario, Engine: g.engine, Figure: f.name, Unit: f.unit.String(), Values: valueText(f.values)})
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

// seedText writes ascending seeds: "1..20 30", or "1..20*6" if each occurs six times.
func seedText(seeds []uint64) string {
	type block struct {
		from, to uint64
		times    int
	}
	var blocks []block
	for i := 0; i < len(seeds); {
		times := 1
		for i+times < len(seeds) && seeds[i+times] == seeds[i] {
			times++
		}
		if n := len(blocks); n > 0 && blocks[n-1].to+1 == seeds[i] && blocks[n-1].times == times {
			blocks[n-1].to++
		} else {
			blocks = append(blocks, block{seeds[i], seeds[i], times})
		}
		i += times
	}
	var words []string
	for _, b := range blocks {
		word := strconv.FormatUint(b.from, 10)
		if b.to > b.from {
			word += ".." + strconv.FormatUint(b.to, 10)
		}
		words = append(words, word+times(b.times))
	}
	return strings.Join(words, " ")
}

// times writes how often the word before it counts.
func times(n int) string {
	if n == 1 {
		return ""
	}
	return "*" + strconv.Itoa(n)
}

// valueText writes values, and equal ones in a row as one word.
func valueText(values []float64) string {
	var words []string
	for i := 0; i < len(values); {
		j := i + 1
		for j < len(values) && same(values[i], values[j]) {
			j++
		}
		word := "-"
		if !math.IsNaN(values[i]) {
			word = strconv.FormatFloat(values[i], 'g', -1, 64)
		}
		words = append(words, word+times(j-i))
		i = j
	}
	return strings.Join(words, " ")
}

// Is reports whether a file with this text is a baseline, and not the JSON report of runs.
func Is(text []byte) bool { return bytes.HasPrefix(text, []byte(`{"onebar_baseline"`)) }

// Read reads a baseline file. It returns no set with an error, which names the line.
func Read(r io.Reader) (Set, error) {
	var s Set
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, mostLine)
	n := 0
	for lines.Scan() {
		n++
		var l line
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.DisallowUnknownFields()
		err := d.Decode(&l)
		if err == nil && n == 1 {
			err = s.begin(l)
		} else if err == nil {
			err = s.add(l)
		}
		if err != nil {
			return Set{}, fmt.Errorf("line %d: %w", n, err)
		}
	}
	switch err := lines.Err(); {
	case err != nil:
		return Set{}, fmt.Errorf("line %d: %w", n+1, err)
	case len(s.groups) == 0:
		return Set{}, errors.New("there are no runs in it: write it with onebar baseline")
	}
	return s, nil
}

// The most bytes in a line, and the most runs in a group, that Read accepts.
const (
	mostLine = 1 << 26
	mostRuns = 1 << 20
)

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
	k := key{l.Scenario, l.Engine}
	if l.Seeds != "" {
		seeds, err := words(l.Seeds, parseSeeds)
		if err != nil || !slices.IsSorted(seeds) {
			return fmt.Errorf("seeds %q: expected ascending seeds such as 1..20", l.Seeds)
		}
		if n := len(s.groups); n > 0 && s.groups[n-1].compare(k) >= 0 {
			return fmt.Errorf("%s on %s comes after %s: expected each once, and sorted", k.scenario, k.engine, s.groups[n-1].scenario)
		}
		s.groups = append(s.groups, &group{key: k, machine: l.Machine, hash: l.Hash, seeds: seeds})
		return nil
	}
	if len(s.groups) == 0 || s.groups[len(s.groups)-1].key != k {
		return fmt.Errorf("figure %q of %s on %s: the line with its seeds is missing", l.Figure, l.Scenario, l.Engine)
	}
	g := s.groups[len(s.groups)-1]
	f := figure{name: l.Figure}
	var err error
	if err = f.unit.UnmarshalText([]byte(l.Unit)); err != nil {
		return err
	}
	if f.values, err = words(l.Values, parseValue); err != nil || len(f.values) != len(g.seeds) {
		return fmt.Errorf("figure %s: values %.40q: expected a number for each of the %d runs", l.Figure, l.Values, len(g.seeds))
	}
	if n := len(g.figures); n > 0 && g.figures[n-1].name >= f.name {
		return fmt.Errorf("figure %s comes after %s: expected each once, and sorted", f.name, g.figures[n-1].name)
	}
	g.figures = append(g.figures, f)
	return nil
}

// words reads words, each with how often it counts, as in "12*3 -".
func words[T any](text string, parse func(word string) ([]T, error)) (all []T, err error) {
	for word := range strings.FieldsSeq(text) {
		word, count, several := strings.Cut(word, "*")
		n := 1
		if several {
			if n, err = strconv.Atoi(count); err != nil {
				return nil, err
			}
		}
		values, err := parse(word)
		if err != nil {
			return nil, err
		}
		if n < 1 || len(all)+n*len(values) > mostRuns {
			return nil, errors.New("too many or too few")
		}
		for _, v := range values {
			all = append(all, slices.Repeat([]T{v}, n)...)
		}
	}
	return all, nil
}

func parseSeeds(word string) ([]uint64, error) {
	first, last, several := strings.Cut(word, "..")
	if !several {
		last = first
	}
	from, err := strconv.ParseUint(first, 10, 64)
	if err != nil {
		return nil, err
	}
	to, err := strconv.ParseUint(last, 10, 64)
	if err != nil || to < from || to-from >= mostRuns {
		return nil, errors.New("not a range of seeds")
	}
	var all []uint64
	for seed := from; seed < to; seed++ {
		all = append(all, seed)
	}
	return append(all, to), nil
}

func parseValue(word string) ([]float64, error) {
	if word == "-" {
		return []float64{math.NaN()}, nil
	}
	v, err := strconv.ParseFloat(word, 64)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil, errors.New("not a number")
	}
	return []float64{v}, err
}
