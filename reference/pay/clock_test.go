package pay

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestClock(t *testing.T) {
	fixed := Clock(func() time.Time { return time.UnixMilli(testTime) })
	require.EqualValues(t, testTime, fixed.Milli())
	synctest.Test(t, func(t *testing.T) {
		var none Clock
		require.Equal(t, time.Now(), none.Now())
	})
}
