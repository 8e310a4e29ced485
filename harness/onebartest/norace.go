//go:build !race

package onebartest

// racing is whether the race detector looks on.
const racing = false
