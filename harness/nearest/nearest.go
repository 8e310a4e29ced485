// Package nearest finds what somebody meant who mistyped a word.
package nearest

import "strings"

// Word returns the option nearest to a word, whatever its case, or "" if none is
// near: a third of the letters may be wrong, and one of a short word. The first
// of several as near is taken.
func Word(word string, options []string) string {
	best, near := "", max(len(word)/3, 1)+1
	for _, o := range options {
		if d := distance(strings.ToLower(word), strings.ToLower(o)); d < near {
			best, near = o, d
		}
	}
	return best
}

// maxWord bounds the words that are compared; a longer one is near nothing.
const maxWord = 64

// distance is the number of edits between two words, where an edit inserts,
// deletes or replaces a byte or swaps two neighbours (optimal string
// alignment distance).
func distance(a, b string) int {
	if len(a) > maxWord || len(b) > maxWord {
		return max(len(a), len(b))
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
