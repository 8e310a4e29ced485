package harness

import "fmt"

// Plural writes a number and its noun for people: "1 item", "2 items".
func Plural[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
