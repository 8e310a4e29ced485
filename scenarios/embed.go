// Package scenarios holds the bundled scenarios, the bundled profiles and the
// JSON Schema of a scenario file. Package harness/spec reads the first two and
// writes the third.
package scenarios

import "embed"

// FS holds every bundled scenario as NAME.yaml at its root, ProfilesFile and
// SchemaFile.
//
//go:embed *.yaml profiles/profiles.yaml onebar.schema.json
var FS embed.FS

// The files of FS that are no scenario. The profiles stand in a directory of
// their own, so that a directory of scenarios holds scenarios only.
const (
	ProfilesFile = "profiles/profiles.yaml"
	SchemaFile   = "onebar.schema.json"
)
