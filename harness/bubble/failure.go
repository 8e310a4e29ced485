package bubble

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kind is a way in which a run in virtual time fails.
type Kind string

// The kinds.
const (
	Panic    Kind = "panic"    // the function panicked, or one of its goroutines did and ended the process
	Exit     Kind = "exit"     // the function ended its goroutine without returning
	Limit    Kind = "limit"    // it was not over at the virtual limit, and then ended when told to
	Deadlock Kind = "deadlock" // it did not even end when told to
	Leak     Kind = "leak"     // it returned, and left goroutines behind
	Stall    Kind = "stall"    // virtual time stood still: a mutex held over a wait, the real network, a busy loop
	Died     Kind = "died"     // its process ended without an answer
)

// Failure is a run that could not be carried out in virtual time, because of
// what the code in it does.
type Failure struct {
	Kind       Kind        `json:"kind"`
	Text       string      `json:"text"`                 // one sentence
	Goroutines []Goroutine `json:"goroutines,omitempty"` // those that caused it, if they are known
}

// Error returns the sentence and the first goroutines, in one line.
func (f *Failure) Error() string {
	const most = 3
	var b strings.Builder
	b.WriteString(f.Text)
	sep := ": "
	for _, g := range f.Goroutines[:min(most, len(f.Goroutines))] {
		b.WriteString(sep + g.String())
		sep = "; "
	}
	if n := len(f.Goroutines) - most; n > 0 {
		fmt.Fprintf(&b, "; and %d more", n)
	}
	if f.Kind == Stall && slices.ContainsFunc(f.Goroutines, Goroutine.locked) {
		b.WriteString(" (the goroutine that holds the mutex waits for virtual time, which cannot move meanwhile: unlock before waiting)")
	}
	return b.String()
}

// IsKind reports whether err is a Failure of a kind.
func IsKind(err error, k Kind) bool {
	f, ok := errors.AsType[*Failure](err)
	return ok && f.Kind == k
}
