package service_test

import (
	"testing"

	"github.com/onebar/onebar/harness/mutants/service"
	"github.com/onebar/onebar/harness/onebartest"
)

// The service is correct. A mutant makes one of these tests fail.

func TestSweep(t *testing.T) {
	onebartest.Trial{Scenario: "edge", System: service.New}.Sweep(t)
}

func TestRun(t *testing.T) {
	for _, name := range []string{"tunnel", "late-answers", "impatient-users", "reset-storm"} {
		t.Run(name, func(t *testing.T) { onebartest.Trial{Scenario: name, System: service.New}.Run(t) })
	}
}
