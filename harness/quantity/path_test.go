package quantity

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/delivery"
)

func TestFormatPath(t *testing.T) {
	require.Equal(t, "perfect", FormatPath(harness.Path{}))
	require.Equal(t, "420ms, 200kbit, loss 1%", FormatPath(harness.Path{Delay: 420 * time.Millisecond, Rate: 200e3, Loss: harness.Loss{P: 0.01}}))
	require.Equal(t, "40ms ± 20ms pareto, delay_correlation 25%, limit 500ms, reorder 1%, duplicate 2%, corrupt 3%, mtu 1280B, mtu_blackhole", FormatPath(harness.Path{
		Delay: 40 * time.Millisecond, Jitter: 20 * time.Millisecond, Distribution: harness.Pareto, Correlation: 0.25, LimitTime: 500 * time.Millisecond,
		Reorder: 0.01, Duplicate: 0.02, Corrupt: 0.03, MTU: 1280, MTUBlackhole: true,
	}))
	require.Equal(t, "trace bus-up", FormatPath(harness.Path{Trace: &delivery.Trace{Name: "bus-up"}}))
	require.Equal(t, "40ms ± 20ms, limit 50KB, gemodel 5% 50% 100% 0% (9.09% mean)", FormatPath(harness.Path{
		Delay: 40 * time.Millisecond, Jitter: 20 * time.Millisecond, Limit: 50e3,
		Loss: harness.Loss{GE: &harness.GEModel{P: 0.05, R: 0.5, LossBad: 1}},
	}))
}
