// Package reports writes the results of runs for people and for machines. Each
// report is one function from the results to a [Report], which writes to an
// io.Writer: Console for a terminal or a log, JSON for programs (docs/result.md),
// JUnit for a CI's test view, Markdown for a CI's job summary. [Formats] lists those
// that go to files. What all of them write, such as a duration or a table, is of package
// format. Package progress shows how far a batch is while it runs.
//
// All of them keep two rules. What was not measured is shown as "–" and what
// could not be judged as "?", never as 0. And no run that is not a pass looks
// like one: a run that could not be judged is UNKNOWN, one that could not be
// carried out is BROKEN, and both are errors to a CI.
package reports

import "github.com/onebar/onebar/harness/result"

// Exit returns the exit code of a batch: the worst of its runs, where a broken
// run is worse than a failed one, and that worse than one that could not be
// judged. A batch without results judges nothing, hence ExitUnknown.
func Exit(results []result.Result) int {
	if len(results) == 0 {
		return result.ExitUnknown
	}
	codes := make([]int, len(results))
	for i, r := range results {
		codes[i] = r.Exit()
	}
	return result.Worst(codes...)
}
