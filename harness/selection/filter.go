package selection

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/nearest"
)

// Filter chooses scenarios. The zero value chooses all.
type Filter struct {
	Tags    []string // a scenario has one of them; none: whatever its tags
	Exclude []string // and none of these
	Grep    string   // and a match for this regular expression in its name, see package regexp
}

// Apply returns the scenarios that the filter chooses, in their order. It is an error if
// there are none, or if Grep is no regular expression.
func (f Filter) Apply(list []harness.Scenario) ([]harness.Scenario, error) {
	name, err := regexp.Compile(f.Grep)
	if err != nil {
		return nil, fmt.Errorf("--grep %q: %w: expected a regular expression such as 'tunnel|lift'", f.Grep, err)
	}
	var chosen []harness.Scenario
	for _, sc := range list {
		has := func(tag string) bool { return slices.Contains(sc.Tags, tag) }
		if (len(f.Tags) == 0 || slices.ContainsFunc(f.Tags, has)) && !slices.ContainsFunc(f.Exclude, has) && name.MatchString(sc.Name) {
			chosen = append(chosen, sc)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no scenario of %d %s: %sonebar list shows names and tags", len(list), f.words(), f.meant(list))
	}
	return chosen, nil
}

// meant suggests a tag in place of the first that no scenario has.
func (f Filter) meant(list []harness.Scenario) string {
	var all []string
	for _, sc := range list {
		all = append(all, sc.Tags...)
	}
	for _, tag := range f.Tags {
		if near := nearest.Word(tag, all); near != "" && !slices.Contains(all, tag) {
			return fmt.Sprintf("did you mean %s? ", near)
		}
	}
	return ""
}

// words says what the filter asks of a scenario.
func (f Filter) words() string {
	var parts []string
	if len(f.Tags) > 0 {
		parts = append(parts, "has one of the tags "+strings.Join(f.Tags, ", "))
	}
	if len(f.Exclude) > 0 {
		parts = append(parts, "lacks the tags "+strings.Join(f.Exclude, ", "))
	}
	if f.Grep != "" {
		parts = append(parts, fmt.Sprintf("has a name that matches %q", f.Grep))
	}
	return strings.Join(parts, " and ")
}
