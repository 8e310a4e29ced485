package result

// ConformanceVersion is the version of the JSON form of a Conformance. It is raised when a
// field changes its meaning or is removed.
const ConformanceVersion = 1

// Conformance is how a payment API handles idempotency keys. It is plain data.
type Conformance struct {
	Version  int     `json:"version"` // ConformanceVersion
	Onebar   string  `json:"onebar"`
	Scenario string  `json:"scenario"` // its name
	File     string  `json:"file"`
	Probes   []Probe `json:"probes"`
}

// Probe is one test of idempotency keys and its result. Its status is n/a if the test
// could not be made.
type Probe struct {
	Name     string `json:"name"`  // such as "replay"
	Title    string `json:"title"` // what was done
	Expected string `json:"expected"`
	Seen     string `json:"seen"`
	Status   Status `json:"status"`
}

// Exit returns the exit code: that of the worst probe. Without one that could be made it is
// that of unknown.
func (c Conformance) Exit() int {
	status := NotApplicable
	for _, p := range c.Probes {
		status = status.Worse(p.Status)
	}
	return Result{Status: status}.Exit()
}
