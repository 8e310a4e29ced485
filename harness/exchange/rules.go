package exchange

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/onebar/onebar/harness/exchange/language"
	"github.com/onebar/onebar/harness/sut"
)

// Meaning is what an answer means for the payment.
type Meaning uint8

// The meanings.
const (
	Unknown   Meaning = iota // the payment may have been made or not
	Confirmed                // the money has moved
	Declined                 // refused: no money has moved
	Retry                    // ask again
	Pending                  // accepted; the outcome will be known later
)

// meanings are the words of a file, in the order of the constants.
func meanings() []string { return strings.Fields("unknown confirmed declined retry pending") }

// String returns the word of a scenario file.
func (m Meaning) String() string {
	if int(m) < len(meanings()) {
		return meanings()[m]
	}
	return fmt.Sprintf("unknown(%d)", uint8(m))
}

// Rules say what answers mean.
type Rules struct {
	rules []rule

	mu        sync.Mutex
	unmatched int64
	first     string // of the unmatched
}

type rule struct {
	when    *expression
	meaning Meaning
	line    int
	preset  string // the preset it comes from; empty is the file
	hits    *atomic.Int64
}

// rules compiles the rules of a file and those of a preset, in this order.
func (c *compiler) rules(at string, own, more []sut.HTTPRule, preset string, s scope) *Rules {
	got := &Rules{}
	answered := s.With(answerScope())
	for i, r := range append(slices.Clone(own), more...) {
		field, from := fmt.Sprintf("%s[%d]", at, i), ""
		if i >= len(own) {
			from = preset
		}
		m := slices.Index(meanings(), r.Outcome)
		if m < 0 {
			c.errorf(field+".outcome", "%q is none of %s", r.Outcome, strings.Join(meanings(), ", "))
		}
		when := c.condition(field+".when", r.When, answered)
		if when == nil || m < 0 {
			continue
		}
		got.rules = append(got.rules, rule{when: when, meaning: Meaning(m), line: r.Line, preset: from, hits: &atomic.Int64{}})
	}
	return got
}

// Judge returns what an answer means by the first rule that matches, and which
// rule that was. An answer that none matches is Unknown, and so is one for which a rule
// goes beyond the bounds of an evaluation. It may be called from several goroutines.
func (r *Rules) Judge(a Answer, v Vars) (m Meaning, why string) {
	v = v.With(a.vars())
	for i := range r.rules {
		got := &r.rules[i]
		switch is, err := got.when.Yes(v); {
		case errors.Is(err, language.ErrBound):
			return Unknown, fmt.Sprintf("HTTP %d: %s: %v", a.Status, got.name(), err)
		case err == nil && is:
			got.hits.Add(1)
			return got.meaning, fmt.Sprintf("HTTP %d: %s", a.Status, got.name())
		}
	}
	r.miss(a)
	return Unknown, fmt.Sprintf("HTTP %d: no rule matches", a.Status)
}

// Explain returns the rule by which Judge decides, with its condition, or nothing if none
// matches. It also returns the earlier rules that could not be evaluated. Unlike Judge it
// does not count the answer.
func (r *Rules) Explain(a Answer, v Vars) (matched string, broken []string) {
	v = v.With(a.vars())
	for i := range r.rules {
		got := &r.rules[i]
		name := got.name()
		if got.preset == "" && got.line > 0 {
			name += ", " + got.when.Text
		}
		is, err := got.when.Yes(v)
		if err != nil {
			broken = append(broken, fmt.Sprintf("%s: %v", name, err))
		} else if is {
			return name, broken
		}
	}
	return "", broken
}

// ofPreset begins the name of a rule of a preset.
const ofPreset = "rule of "

// PresetRule reports whether a name that Explain has returned is that of a rule of a
// preset, and not of the file.
func PresetRule(name string) bool { return strings.HasPrefix(name, ofPreset) }

func (r *rule) name() string {
	switch {
	case r.preset != "":
		return ofPreset + r.preset + ", " + r.when.Text
	case r.line > 0:
		return fmt.Sprintf("rule on line %d", r.line)
	}
	return "rule " + r.when.Text
}

func (r *Rules) miss(a Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unmatched++; r.unmatched == 1 {
		r.first = fmt.Sprintf("HTTP %d %s", a.Status, a.Header.Get("Content-Type"))
	}
}

// Unmatched returns how many answers no rule matched, and status and type of the
// first.
func (r *Rules) Unmatched() (n int64, first string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unmatched, r.first
}

// Idle returns the rules of the file that never matched.
func (r *Rules) Idle() []string {
	var idle []string
	for i := range r.rules {
		if got := &r.rules[i]; got.preset == "" && got.hits.Load() == 0 {
			idle = append(idle, got.name()+" ("+got.when.Text+")")
		}
	}
	return idle
}
