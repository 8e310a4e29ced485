package doctor

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/secrets"
	"github.com/onebar/onebar/harness/sut"
)

// secretsOf returns the values of the environment variables in a subject's
// configuration, and the passwords in it.
func secretsOf(c sut.Config) *secrets.Set {
	s := &secrets.Set{}
	if c.Ledger != nil && c.Ledger.SQL != nil {
		s.AddDSN(c.Ledger.SQL.DSN, c.Ledger.SQL.DSN)
	}
	text, err := json.Marshal(c)
	if err == nil { // it is plain data
		s.AddVariables(string(text))
	}
	return s
}

// credentials returns the values of headers that carry credentials. A server may have
// given them out during the set-up, so they are in no environment variable.
func credentials(steps []harness.Step) *secrets.Set {
	header := regexp.MustCompile(`(?i)^(?:proxy-)?authorization: (?:\S+ )?(\S+)$|^cookie: (.+)$`)
	all := &secrets.Set{}
	for _, s := range steps {
		for _, line := range s.Sent {
			if m := header.FindStringSubmatch(line); m != nil && !strings.Contains(m[0], "${") {
				if value := cmp.Or(m[1], m[2]); len(value) >= shortest {
					all.Add(value, "***")
				}
			}
		}
	}
	return all
}

// shortest is the length from which a credential is hidden, in bytes: a shorter one
// is a part of other text by chance.
const shortest = 4

// hide removes secrets from everything that is shown of a checkup. It also removes the
// items of ledgers, which are not shown.
func hide(c *result.Checkup, configured *secrets.Set) {
	steps := func(with *secrets.Set) {
		for i := range c.Steps {
			s := &c.Steps[i]
			texts := []*string{&s.Title, &s.Error}
			if s.HTTP != nil {
				h := *s.HTTP
				s.HTTP = &h
				texts = append(texts, &h.Type, &h.Location, &h.Body, &h.Rule)
			}
			each(texts, with)
			for _, lines := range []*[]string{&s.Sent, &s.Got, &s.Means} {
				*lines = hideAll(*lines, with)
			}
			s.Items = nil
		}
		each([]*string{&c.Result.Error}, with)
		c.Result.Notes = hideAll(c.Result.Notes, with)
		for i := range c.Advice {
			each([]*string{&c.Advice[i].Text, &c.Advice[i].YAML}, with)
		}
		for i := range c.Result.Verdicts {
			v := &c.Result.Verdicts[i]
			each([]*string{&v.Summary}, with)
			for j := range v.Findings {
				each([]*string{&v.Findings[j].Text}, with)
			}
		}
	}
	steps(configured)
	steps(credentials(c.Steps))
}

func each(texts []*string, with *secrets.Set) {
	for _, t := range texts {
		*t = with.Hide(*t)
	}
}

func hideAll(lines []string, with *secrets.Set) []string {
	all := slices.Clone(lines)
	for i := range all {
		all[i] = with.Hide(all[i])
	}
	return all
}
