package access

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAcksWait(t *testing.T) {
	const at = time.Second
	answered := func() *Acks {
		var a Acks
		a.Acked(at)
		a.Sent(at + AckDelay)
		return &a
	}
	for name, tc := range map[string]struct {
		acks    func() *Acks
		bytes   int64
		largest int
		want    bool
		ended   bool
		finSent bool
	}{
		"the first data":         {func() *Acks { return &Acks{} }, 100, 100, false, false, false},
		"one that answers":       {answered, 100, 100, true, false, false},
		"one that answers late":  {func() *Acks { a := &Acks{}; a.Acked(at); a.Sent(at + AckDelay + 1); return a }, 100, 100, false, false, false},
		"one that only sends":    {func() *Acks { a := &Acks{}; a.Sent(at); return a }, 100, 100, false, false, false},
		"after a repetition":     {func() *Acks { a := answered(); a.Repeated(); return a }, 100, 100, false, false, false},
		"after it was late":      {func() *Acks { a := answered(); a.Late(); return a }, 100, 100, false, false, false},
		"a full segment":         {answered, 1448, 1448, true, false, false},
		"more than that":         {answered, 1449, 1448, false, false, false},
		"536 small bytes":        {answered, 536, 10, true, false, false},
		"more of them":           {answered, 537, 10, false, false, false},
		"15 quick ones":          {func() *Acks { a := &Acks{}; times(quickAcks-1, a); return a }, 100, 100, false, false, false},
		"16 quick ones":          {func() *Acks { a := &Acks{}; times(quickAcks, a); return a }, 100, 100, true, false, false},
		"of a FIN, ours to come": {func() *Acks { return &Acks{} }, 9999, 1448, true, true, false},
		"of a FIN, ours sent":    {answered, 1, 1448, false, true, true},
		"ours sent before":       {answered, 100, 100, true, false, true},
		"late after 16":          {func() *Acks { a := &Acks{}; times(quickAcks, a); a.Late(); return a }, 100, 100, true, false, false},
	} {
		require.Equal(t, tc.want, tc.acks().Waits(tc.bytes, tc.largest, tc.ended, tc.finSent), name)
	}
}

func times(n int, a *Acks) {
	for range n {
		a.Acked(time.Second)
	}
}
