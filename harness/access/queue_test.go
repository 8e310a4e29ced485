package access

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestQueueOrder has events with random instants, ranks and moves come out in order.
func TestQueueOrder(t *testing.T) {
	type thing struct {
		Event
		number int
	}
	rapid.Check(t, func(t *rapid.T) {
		var q Queue
		var want []*thing
		byOrder := func(a, b *thing) int {
			switch {
			case a.before(&b.Event):
				return -1
			case b.before(&a.Event):
				return 1
			}
			return 0
		}
		for i := range rapid.IntRange(0, 60).Draw(t, "events") {
			x := &thing{number: i}
			at := time.Duration(rapid.IntRange(0, 9).Draw(t, "at"))
			if rapid.Bool().Draw(t, "set") {
				x.Rank = uint64(10 + i)
				q.Set(&x.Event, at)
			} else {
				x.Rank = uint64(rapid.IntRange(0, 2).Draw(t, "rank"))
				q.Push(&x.Event, at)
			}
			require.Equal(t, at, x.At())
			want = append(want, x)
		}
		for _, x := range slices.Clone(want) {
			if x.Rank < 10 || !rapid.Bool().Draw(t, "move") {
				continue
			}
			at := time.Duration(rapid.IntRange(0, 9).Draw(t, "to"))
			if at == 0 {
				q.Set(&x.Event, Never)
				want = slices.DeleteFunc(want, func(y *thing) bool { return y == x })
				continue
			}
			q.Set(&x.Event, at)
		}
		slices.SortStableFunc(want, byOrder)
		for _, x := range want {
			require.Same(t, &x.Event, q.First())
			require.Same(t, &x.Event, q.Pop())
		}
		require.Nil(t, q.First())
		require.Nil(t, q.Pop())
	})
}

func TestQueueOfOneInstant(t *testing.T) {
	var q Queue
	var got []string
	push := func(name string, rank uint64, at time.Duration) {
		q.Push(&Event{Rank: rank, Run: func() { got = append(got, name) }}, at)
	}
	push("second of rank 1", 1, 5)
	push("later", 0, 6)
	push("third of rank 1", 1, 5)
	push("rank 0", 0, 5)
	socket := &Event{Rank: 9, Run: func() { got = append(got, "socket") }}
	q.Set(socket, 7)
	q.Set(socket, 4)
	q.Set(socket, Never)
	q.Set(socket, Never)
	q.Set(socket, 5)
	for e := q.Pop(); e != nil; e = q.Pop() {
		e.Run()
	}
	require.Equal(t, []string{"rank 0", "second of rank 1", "third of rank 1", "socket", "later"}, got)
}
