package baseline

import (
	"cmp"
	"math"
	"slices"
)

// mostExact is the most values of both sides together for which the distribution of the
// rank sum is counted out. Beyond that it is taken as normal.
const mostExact = 100

// mannWhitney returns the p value of the two-sided Mann–Whitney U test: how likely it is that
// a random division of all values into two sides of these sizes has rank sums at least
// as far from their mean. Equal values share the mean of their ranks. Both sides need a value.
func mannWhitney(x, y []float64) float64 {
	if len(x) > len(y) {
		x, y = y, x
	}
	ranks, ties := doubledRanks(x, y)
	sum := 0
	for _, r := range ranks[:len(x)] {
		sum += r
	}
	mean := len(x) * (len(ranks) + 1) // of the doubled rank sum
	far := math.Abs(float64(sum - mean))
	if len(ranks) > mostExact {
		return normal(far/2, float64(len(x)), float64(len(y)), ties)
	}
	beyond, all := 0.0, 0.0
	for s, ways := range subsets(ranks, len(x)) {
		all += ways
		if math.Abs(float64(s-mean)) >= far {
			beyond += ways
		}
	}
	return beyond / all
}

// normal returns the p value of a rank sum that is far from its mean, of sides of a and b
// values, with the corrections for continuity and for ties.
func normal(far, a, b, ties float64) float64 {
	n := a + b
	variance := a * b / 12 * (n + 1 - ties/(n*(n-1)))
	return min(1, math.Erfc(max(0, far-0.5)/math.Sqrt(2*variance)))
}

// doubledRanks returns twice the rank of each value of x and then of y among all of them,
// and the sum of t³-t over the groups of t equal values.
func doubledRanks(x, y []float64) (ranks []int, ties float64) {
	all := slices.Concat(x, y)
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(all[a], all[b]) })
	ranks = make([]int, len(all))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && all[order[to]] == all[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			ranks[i] = from + to + 1 // the mean of from+1 and to, doubled
		}
		t := float64(to - from)
		ties += t*t*t - t
		from = to
	}
	return ranks, ties
}

// subsets returns how many subsets of k ranks have each sum.
func subsets(ranks []int, k int) []float64 {
	sorted := slices.Sorted(slices.Values(ranks))
	most := 0
	for _, r := range sorted[len(sorted)-k:] {
		most += r
	}
	ways := make([][]float64, k+1)
	for i := range ways {
		ways[i] = make([]float64, most+1)
	}
	ways[0][0] = 1
	for _, r := range ranks {
		for i := k; i > 0; i-- {
			for s := most; s >= r; s-- {
				ways[i][s] += ways[i-1][s-r]
			}
		}
	}
	return ways[k]
}

// least returns the smallest p value that sides of a and b values can have, when no two
// values are equal.
func least(a, b int) float64 {
	ways := 1.0
	for i := 1; i <= b; i++ {
		ways *= float64(a+i) / float64(i)
	}
	return min(1, 2/ways)
}

// holm corrects p values for their number: a corrected value below alpha is a
// false alarm in at most this share of all comparisons. It changes ps.
func holm(ps []float64) {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(ps[a], ps[b]) })
	worst := 0.0
	for rank, i := range order {
		worst = max(worst, min(1, ps[i]*float64(len(ps)-rank)))
		ps[i] = worst
	}
}
