//go:build race

package onebartest

// racing is whether the race detector looks on: its findings are then to fail the
// test, which those of a child process do not.
const racing = true
