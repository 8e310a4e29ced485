package selection

import (
	"fmt"
	"strconv"
	"strings"
)

// Seeds is a range of seeds, both ends included. The zero value is none; a pointer to it is
// a flag of the command line.
type Seeds struct {
	First, Last uint64
	Given       bool
}

// mostSeeds is the largest number of seeds of a range.
const mostSeeds = 1_000_000_000

// String returns the range as Set reads it.
func (s Seeds) String() string {
	if !s.Given {
		return ""
	}
	return fmt.Sprintf("%d..%d", s.First, s.Last)
}

// Type names the value for the help of a command.
func (*Seeds) Type() string { return "A..B" }

// Set reads A..B, with A at most B.
func (s *Seeds) Set(text string) error {
	a, b, found := strings.Cut(text, "..")
	first, err1 := strconv.ParseUint(a, 10, 64)
	last, err2 := strconv.ParseUint(b, 10, 64)
	if !found || err1 != nil || err2 != nil || last < first || last-first >= mostSeeds {
		return fmt.Errorf("%q: expected A..B with A at most B and at most %d seeds, such as 1..20 for the twenty seeds from 1", text, mostSeeds)
	}
	*s = Seeds{first, last, true}
	return nil
}

// Count returns how many seeds there are.
func (s Seeds) Count() int {
	if !s.Given {
		return 0
	}
	return int(s.Last-s.First) + 1
}
