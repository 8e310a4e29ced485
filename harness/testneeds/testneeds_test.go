package testneeds_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/testneeds"
)

// ending is a test that notes how it was ended.
type ending struct {
	testing.TB
	failed, skipped string
}

func (e *ending) Helper()                      {}
func (e *ending) Fatalf(f string, args ...any) { e.failed = fmt.Sprintf(f, args...) }
func (e *ending) Skipf(f string, args ...any)  { e.skipped = fmt.Sprintf(f, args...) }

func TestMissing(t *testing.T) {
	for value, ci := range map[string]bool{
		"": false, "0": false, "false": false, "False": false, "FALSE": false,
		"1": true, "true": true, "True": true, "woodpecker": true,
	} {
		t.Run("CI="+value, func(t *testing.T) {
			t.Setenv("CI", value)
			require.Equal(t, ci, testneeds.CI())
			var e ending
			testneeds.Missing(&e, "%s is not installed", "tshark")
			if !ci {
				e.failed, e.skipped = e.skipped, e.failed
			}
			require.Contains(t, e.failed, "tshark is not installed: ")
			require.Empty(t, e.skipped)
		})
	}
}
