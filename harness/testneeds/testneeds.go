// Package testneeds ends tests that need a program that this machine lacks.
package testneeds

import (
	"os"
	"strconv"
	"testing"
)

// CI reports whether the tests run in CI: the environment variable CI is set, and
// is not empty, 0 or false in any way that strconv.ParseBool reads.
func CI() bool {
	v := os.Getenv("CI")
	is, err := strconv.ParseBool(v)
	return v != "" && (is || err != nil)
}

// Missing skips a test that cannot be made without what the text says. In CI it
// fails the test: there everything is installed, by make test.
func Missing(tb testing.TB, format string, args ...any) {
	tb.Helper()
	if CI() {
		tb.Fatalf(format+": run make test, which installs it or says what is missing", args...)
	} else {
		tb.Skipf(format+": make test installs it, as root, or says what is missing", args...)
	}
}
