package run_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/run"
)

// Packets offered after the ledger is about to be read tear connections down: they
// are in no history, no figure and no capture. One offered before and known later is.
func TestTearDownIsNoPartOfTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial()
		tr.options.Dir, tr.options.Pcap = t.TempDir(), true
		offer := func(at time.Duration, n int64) {
			tr.config.Packets.Packet(harness.Packet{At: at, Flow: 1, N: n, Direction: harness.Up, Size: 40})
			tr.config.Capture.Capture(at, 0, harness.Up, []byte{0x45, byte(n)})
		}
		const cut = 10*second + linger
		tr.at(5*second, func() { offer(5*second, 1) })
		tr.reading = func(*bench) {
			time.Sleep(second)
			offer(cut-1, 2)
			offer(cut, 3)
			offer(cut+1, 4)
		}
		tr.closing = func() { offer(cut+second, 5) }
		res := tr.must(t, scenario())
		var got []int64
		for _, r := range tr.records {
			if r.Packet != nil && r.Packet.N > 0 {
				got = append(got, r.Packet.N)
			}
		}
		require.Equal(t, []int64{1, 2, 3}, got)
		last := res.Phases[len(res.Phases)-1]
		require.Equal(t, "settle", last.Name)
		require.EqualValues(t, 2, last.Up.Offered)
		require.Equal(t, cut+second, res.Took)

		data, err := os.ReadFile(filepath.Join(tr.options.Dir, run.PcapFile))
		require.NoError(t, err)
		for n := range byte(5) {
			want := n < 3
			require.Equal(t, want, bytes.Contains(data, []byte{0x45, n + 1}), "packet %d", n+1)
		}
	})
}
