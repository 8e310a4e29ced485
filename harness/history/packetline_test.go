package history

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
)

// Whatever the fast reader accepts is what encoding/json reads.
func FuzzParsePacket(f *testing.F) {
	for _, p := range []harness.Packet{
		{At: 1, Client: 2, Flow: 3, Direction: harness.Up, Size: 60, Delay: time.Second, Late: 7},
		{At: 10, Direction: harness.Down, Drop: harness.DropOutage, Retransmit: true},
		{Direction: harness.Up, Drop: harness.DropLoss},
		{Direction: harness.Up, Cross: true, Link: "server-bank"},
	} {
		line, _ := appendRecord(nil, Record{At: p.At, Packet: &p})
		f.Add(line)
	}
	f.Add([]byte(`{"at":-0,"packet":{"at":0,"client":01,"flow":0,"dir":"up","size":0}}` + "\n"))
	f.Add([]byte(`{"at":1,"packet":{"at":2,"client":1,"flow":0,"dir":"up","size":9999999999999999999}}` + "\n"))
	f.Fuzz(func(t *testing.T, line []byte) {
		got, ok := parseLine(line)
		if !ok {
			require.Zero(t, got)
			return
		}
		var want Record
		require.NoError(t, json.Unmarshal(line, &want))
		require.Equal(t, want, got)
	})
}

// What a history writes takes the fast way, and arrives whole.
func TestParsePacketReadsWhatIsWritten(t *testing.T) {
	for name, p := range map[string]harness.Packet{
		"delivered": {At: time.Hour, Client: 999, Flow: 12, Direction: harness.Up, Size: 1500, Delay: 300 * time.Millisecond, Late: time.Microsecond},
		"early":     {At: -1, Direction: harness.Down, Late: -1},
		"lost":      {At: 1, Direction: harness.Down, Drop: harness.DropLoss, Retransmit: true},
		"on a link": {At: 1, Flow: 1, N: 3, Direction: harness.Up, Drop: harness.DropLoss, Link: "server-bank"},
		"stopped":   {At: 1, Direction: harness.Up, Drop: harness.DropStopped},
	} {
		t.Run(name, func(t *testing.T) {
			line, ok := appendRecord(nil, Record{At: p.At, Packet: &p})
			require.True(t, ok)
			got, ok := parseLine(line)
			require.True(t, ok)
			require.Equal(t, Record{At: p.At, Packet: &p}, got)
			for n := range line {
				_, ok := parseLine(line[:n])
				require.False(t, ok, "%q is not whole", line[:n])
			}
			_, ok = parseLine(append(line, ' '))
			require.False(t, ok)
		})
	}
}

// A valid packet line in another hand is read all the same.
func TestReadReadsForeignPacketLines(t *testing.T) {
	const file = `{"packet":{"dir":"down","size":52,"at":7,"client":1,"flow":2},"at":7}` + "\n"
	n := 0
	for r, err := range Read(bytes.NewReader([]byte(file))) {
		require.NoError(t, err)
		require.Equal(t, Record{At: 7, Line: 1, Packet: &harness.Packet{At: 7, Client: 1, Flow: 2, Direction: harness.Down, Size: 52}}, r)
		n++
	}
	require.Equal(t, 1, n)
}
