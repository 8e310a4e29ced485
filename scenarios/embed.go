// Package scenarios holds the bundled scenarios, profiles and traces, and the
// JSON Schema of a scenario file. Package harness/spec reads the first three and
// writes the fourth; onebar trace generate made the traces.
package scenarios

import "embed"

// FS holds every bundled scenario as NAME.yaml at its root, every bundled trace
// as traces/NAME.trace, ProfilesFile and SchemaFile.
//
//go:embed *.yaml traces/*.trace profiles/profiles.yaml onebar.schema.json
var FS embed.FS

// The files of FS that are no scenario. The profiles stand in a directory of
// their own, so that a directory of scenarios holds scenarios only.
const (
	ProfilesFile = "profiles/profiles.yaml"
	SchemaFile   = "onebar.schema.json"
)
