package sut

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestQuietFor(t *testing.T) {
	none, long := time.Duration(0), time.Minute
	for name, tc := range map[string]struct {
		ledger Ledger
		want   time.Duration
	}{
		"not said":       {Ledger{SQL: &SQL{}}, 5 * time.Second},
		"read once":      {Ledger{SQL: &SQL{}, Quiet: &none}, 0},
		"a long queue":   {Ledger{HTTP: &HTTPLedger{}, Quiet: &long}, time.Minute},
		"cannot be read": {Ledger{None: true}, 0},
	} {
		require.Equal(t, tc.want, tc.ledger.QuietFor(), name)
	}
}
