package harness

// SubjectConfig says what is under test. Its JSON keys are those of the subject
// section of a scenario file, of which docs/scenarios.md is the reference.
type SubjectConfig struct {
	// Broken are faults planted in the reference pair, by name, to see that they
	// are found.
	Broken []string `json:"broken,omitempty"`
}
