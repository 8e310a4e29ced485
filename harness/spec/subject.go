package spec

import "github.com/onebar/onebar/harness"

// config makes the plain form of the section.
func (v *subject) config() harness.SubjectConfig {
	var c harness.SubjectConfig
	for _, b := range v.Broken {
		c.Broken = append(c.Broken, b.s)
	}
	return c
}
