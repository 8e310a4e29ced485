package subject

import (
	"errors"
	"fmt"
	"os"
	"regexp"
)

// Expand replaces the references in a text of a scenario: ${NAME} by an environment
// variable, {{word}} by one of words, and $${ by the characters ${. So a secret need not
// stand in files and histories. The error names each variable or word that is missing;
// it does not contain the text.
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
			errs = append(errs, fmt.Errorf("{{%s}} is not defined here", m[2]))
		}
		return value
	})
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	return full, nil
}

// ExpandAll calls Expand for each text.
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
