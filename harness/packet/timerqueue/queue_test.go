package timerqueue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestQueueOrder(t *testing.T) {
	start := time.Now()
	q, err := New(func() time.Duration { return time.Since(start) })
	require.NoError(t, err)
	var got []int
	done := make(chan struct{})
	for _, at := range []int{5, 1, 9, 3, 7, 1, 0} {
		q.Push(time.Duration(at)*time.Millisecond, func() {
			got = append(got, at)
			if at == 9 {
				close(done)
			}
		})
	}
	<-done
	require.IsIncreasing(t, append([]int{-1}, dedup(got)...))
	q.Push(time.Hour, func() { got = append(got, 100) })
	q.Close()
	require.Equal(t, 100, got[len(got)-1], "what is left runs at the close")
	require.Len(t, got, 8)
}

func dedup(s []int) (out []int) {
	for i, v := range s {
		if i == 0 || v != s[i-1] {
			out = append(out, v)
		}
	}
	return out
}
