package subject

import (
	"errors"
	"fmt"
	"os"
	"regexp"
)

// Expand returns a text of a scenario as it is meant: ${NAME} stands for a
// variable of the environment, which is how a secret stays out of files and
// histories, {{word}} for one of words, and $${ for the characters ${. The error names what is not there; the
// text is in no error.
func Expand(text string, words map[string]string) (string, error) {
	var errs []error
	places := regexp.MustCompile(`\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\{\{([^{}]*)\}\}`)
	full := places.ReplaceAllStringFunc(text, func(place string) string {
		if place == "$${" {
			return "${"
		}
		m := places.FindStringSubmatch(place)
		if m[1] != "" {
			value, ok := os.LookupEnv(m[1])
			if !ok {
				errs = append(errs, fmt.Errorf("the environment has no variable %s: set it before onebar is started", m[1]))
			}
			return value
		}
		value, ok := words[m[2]]
		if !ok {
			errs = append(errs, fmt.Errorf("{{%s}} stands for nothing here", m[2]))
		}
		return value
	})
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	return full, nil
}

// ExpandAll is Expand for each of several texts.
func ExpandAll(texts []string, words map[string]string) ([]string, error) {
	all := make([]string, len(texts))
	var errs []error
	for i, t := range texts {
		var err error
		all[i], err = Expand(t, words)
		errs = append(errs, err)
	}
	return all, errors.Join(errs...)
}
