package toxi_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(tb testing.TB, e harness.Engine, cfg harness.NetworkConfig) *bench.B {
	tb.Helper()
	b := bench.New(tb, e)
	b.Open(cfg)
	return b
}
