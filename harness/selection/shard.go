// Package selection says which runs are made: scenarios by name and tag, and the shards
// of runs that are shared between machines. A [Shard] makes a part of the runs; an
// [Identity] says of which whole, so that [Whole] can refuse parts that do not belong
// together.
package selection

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Shard is one of several parts of the runs that were asked for. The zero value has all
// runs. A pointer to it is a flag of the command line.
type Shard struct {
	Index int `json:"index"` // from 1
	Total int `json:"total"`
}

// Has reports whether the shard makes the run of an index, from 0: index modulo Total is
// Index - 1.
func (s Shard) Has(index int) bool { return s.Total == 0 || index%s.Total == s.Index-1 }

// Share returns how many of the runs from index first on, and before index end, the shard
// makes.
func (s Shard) Share(first, end int) (n int) {
	for i := first; i < end; i++ {
		if s.Has(i) {
			n++
		}
	}
	return n
}

// All reports whether the shard is the whole.
func (s Shard) All() bool { return s.Total == 0 }

// String returns the shard as Set reads it; the zero value is empty.
func (s Shard) String() string {
	if s.All() {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Index, s.Total)
}

// Type names the value for the help of a command.
func (*Shard) Type() string { return "i/n" }

// mostShards is the largest number of shards: as many as a job of Kubernetes can have
// indices.
const mostShards = 100_000

// Set reads i/n, with 1 <= i <= n, as Playwright has it.
func (s *Shard) Set(text string) error {
	i, n, found := strings.Cut(text, "/")
	index, err1 := strconv.Atoi(i)
	total, err2 := strconv.Atoi(n)
	if !found || err1 != nil || err2 != nil || index < 1 || total < index || total > mostShards {
		return fmt.Errorf("%q: expected i/n with i from 1 to n and n at most %d, such as 1/4 for the first of four shards", text, mostShards)
	}
	*s = Shard{index, total}
	return nil
}

// Pick returns those items of list that the shard has, in their order. The index of an item
// is its place in the list sorted by order.
func Pick[T any](s Shard, list []T, order func(a, b T) int) []T {
	places := make([]int, len(list))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(i, j int) int { return order(list[i], list[j]) })
	has := make([]bool, len(list))
	for index, place := range places {
		has[place] = s.Has(index)
	}
	var part []T
	for i, item := range list {
		if has[i] {
			part = append(part, item)
		}
	}
	return part
}
