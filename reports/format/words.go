package format

import (
	"fmt"
	"strconv"

	"github.com/onebar/onebar/harness/result"
)

// Title is what a report calls a run: its scenario, or the file it should have
// come from.
func Title(r result.Result) string {
	switch {
	case r.Scenario.Name != "" && r.Series:
		return fmt.Sprintf("%s, seed %d", r.Scenario.Name, r.Seed)
	case r.Scenario.Name != "":
		return r.Scenario.Name
	case r.Scenario.File != "":
		return r.Scenario.File
	}
	return "(no name)"
}

// Again says that a run was made a second time, and why.
func Again(r result.Result) string {
	return "made again, alone: the first time the machine was too busy (" + Clean(r.Again) + ")"
}

// ColourOf returns the colour of what result.Word and result.WordOf return, and of a status
// in upper case. What it does not know has that of UNKNOWN.
func ColourOf(word string) Colour {
	switch word {
	case "PASS":
		return Green
	case "FAIL":
		return Red
	case "BROKEN":
		return Magenta
	case "N/A":
		return Dim
	}
	return Yellow
}

// Verdict returns such a word in its colour, padded to n columns.
func Verdict(word string, n int) Cell { return ColourOf(word).Cell(Pad(word, n, false)) }

// OrNone returns s, or None if s is empty.
func OrNone(s string) string {
	if s == "" {
		return None
	}
	return s
}

// RunOf names a run that did not pass, by its scenario and seed.
func RunOf(o result.OddRun) string {
	return Clean(o.Scenario) + ", seed " + strconv.FormatUint(o.Seed, 10)
}
