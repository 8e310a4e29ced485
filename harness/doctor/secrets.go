package doctor

import (
	"cmp"
	"encoding/json"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/sut"
)

// secret is a text that must not be shown, and what is shown instead.
type secret struct{ text, shown string }

// secretsOf returns the values of the environment variables in a subject's
// configuration, in each form in which a request may contain them, the longest first.
func secretsOf(c sut.Config) []secret {
	text, err := json.Marshal(c)
	if err != nil {
		return nil // it is plain data
	}
	var all []secret
	for _, m := range regexp.MustCompile(`(\$?)\$\{([A-Za-z_][A-Za-z0-9_]*)\}`).FindAllStringSubmatch(string(text), -1) {
		value := os.Getenv(m[2])
		if m[1] != "" || value == "" {
			continue
		}
		quoted, _ := json.Marshal(value) // a string can always be encoded
		for _, v := range []string{value, url.QueryEscape(value), url.PathEscape(value), strings.Trim(string(quoted), `"`)} {
			all = append(all, secret{v, "${" + m[2] + "}"})
		}
	}
	slices.SortStableFunc(all, func(a, b secret) int { return cmp.Compare(len(b.text), len(a.text)) })
	return slices.Compact(all)
}

// shortest is the length from which a secret is also hidden within words: a shorter one
// is a part of many words by chance.
const shortest = 4

// hidden returns a text without secrets.
func hidden(text string, secrets []secret) string {
	for _, s := range secrets {
		if len(s.text) >= shortest {
			text = strings.ReplaceAll(text, s.text, s.shown)
		} else {
			text = regexp.MustCompile(`\b`+regexp.QuoteMeta(s.text)+`\b`).ReplaceAllLiteralString(text, s.shown)
		}
	}
	return text
}

// credentials returns the values of headers that carry credentials. A server may have
// given them out during the set-up, so they are in no environment variable.
func credentials(steps []harness.Step) []secret {
	header := regexp.MustCompile(`(?i)^(?:proxy-)?authorization: (?:\S+ )?(\S+)$|^cookie: (.+)$`)
	var all []secret
	for _, s := range steps {
		for _, line := range s.Sent {
			if m := header.FindStringSubmatch(line); m != nil && !strings.Contains(m[0], "${") {
				all = append(all, secret{cmp.Or(m[1], m[2]), "***"})
			}
		}
	}
	return slices.DeleteFunc(all, func(s secret) bool { return len(s.text) < shortest })
}

// hide removes secrets from everything that is shown of a checkup. It also removes the
// items of ledgers, which are not shown.
func hide(c *result.Checkup, secrets []secret) {
	steps := func(with []secret) {
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
	steps(secrets)
	steps(credentials(c.Steps))
}

func each(texts []*string, secrets []secret) {
	for _, t := range texts {
		*t = hidden(*t, secrets)
	}
}

func hideAll(lines []string, secrets []secret) []string {
	all := slices.Clone(lines)
	for i := range all {
		all[i] = hidden(all[i], secrets)
	}
	return all
}
