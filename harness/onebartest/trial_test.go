package onebartest_test

import (
	"testing"

	"github.com/onebar/onebar/harness/onebartest"
)

// The correct service, with net/http and TLS as they are, survives bad networks.
func TestRun(t *testing.T) {
	for _, name := range []string{"tunnel", "crash", "answers-lost", "nat-rebind", "rural-2g"} {
		t.Run(name, func(t *testing.T) {
			onebartest.Trial{Scenario: name, System: wiring{}.system}.Run(t)
		})
	}
}
