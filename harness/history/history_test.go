package history_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
)

func packets() *rapid.Generator[harness.Packet] {
	return rapid.Custom(func(t *rapid.T) harness.Packet {
		return harness.Packet{
			At:         time.Duration(rapid.Int64().Draw(t, "at")),
			Client:     rapid.Int().Draw(t, "client"),
			Flow:       rapid.Int().Draw(t, "flow"),
			Direction:  rapid.SampledFrom([]harness.Direction{harness.Up, harness.Down}).Draw(t, "dir"),
			Size:       rapid.Int().Draw(t, "size"),
			Delay:      time.Duration(rapid.Int64().Draw(t, "delay")),
			Late:       time.Duration(rapid.Int64().Draw(t, "late")),
			Drop:       harness.DropReason(rapid.IntRange(0, int(harness.DropNAT)).Draw(t, "drop")),
			Retransmit: rapid.Bool().Draw(t, "rtx"),
			N:          rapid.Int64().Draw(t, "n"),
			Copy:       rapid.Bool().Draw(t, "copy"),
			Corrupt:    rapid.Bool().Draw(t, "corrupt"),
			Cross:      rapid.Bool().Draw(t, "cross"),
		}
	})
}

// The line of a packet is written by hand: it must be what encoding/json writes.
func TestPropertyPacketLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := packets().Draw(t, "packet")
		var got bytes.Buffer
		h := history.New(&got, time.Now())
		h.Packet(p)
		require.NoError(t, h.Close())
		want, err := json.Marshal(history.Record{At: p.At, Packet: &p})
		require.NoError(t, err)
		require.Equal(t, string(want)+"\n", got.String())
	})
}

func TestHistoryRoundTrip(t *testing.T) {
	var file bytes.Buffer
	h := history.New(&file, time.Now())
	h.Record(history.Record{Header: &history.Header{Version: history.Version, Seed: 7}})
	h.Packet(harness.Packet{Direction: harness.Up, Size: 52})
	h.Told(harness.Told{Payment: "p1", Outcome: harness.Confirmed})
	h.Attempt(harness.Attempt{Payment: "p1", N: 1, Took: time.Second})
	h.Committed("p1")
	h.Record(history.Record{Late: 7})
	h.Record(history.Record{End: &history.End{Settled: true}})
	require.NoError(t, h.Close())

	var kinds []string
	for r, err := range history.Read(&file) {
		require.NoError(t, err)
		require.Equal(t, len(kinds)+1, r.Line)
		switch {
		case r.Header != nil:
			require.EqualValues(t, 7, r.Header.Seed)
			kinds = append(kinds, "header")
		case r.Packet != nil:
			kinds = append(kinds, "packet")
		case r.Told != nil:
			require.Equal(t, harness.Confirmed, r.Told.Outcome)
			kinds = append(kinds, "told")
		case r.Attempt != nil:
			kinds = append(kinds, "attempt")
		case r.Committed != "":
			kinds = append(kinds, "committed")
		case r.Late != 0:
			require.EqualValues(t, 7, r.Late)
			kinds = append(kinds, "late")
		case r.End != nil:
			kinds = append(kinds, "end")
		}
	}
	require.Equal(t, []string{"header", "packet", "told", "attempt", "committed", "late", "end"}, kinds)
}

// lineWriter fails the test if what it is given does not end with a line.
type lineWriter struct{ t *testing.T }

func (w lineWriter) Write(b []byte) (int, error) {
	require.True(w.t, bytes.HasSuffix(b, []byte("}\n")), "a kill now would tear a line")
	return len(b), nil
}

func TestHistoryWritesWholeLines(t *testing.T) {
	h := history.New(lineWriter{t}, time.Now())
	for i := range 5000 { // several buffers full
		h.Packet(harness.Packet{At: time.Duration(i), Direction: harness.Up, Size: i})
	}
	h.Record(history.Record{Header: &history.Header{Scenario: harness.Scenario{Summary: strings.Repeat("long ", 20_000)}}})
	require.NoError(t, h.Close())
}

func TestReadNamesTheBadLine(t *testing.T) {
	good := `{"at":1,"held":"p1"}` + "\n"
	for name, tc := range map[string]struct{ file, want string }{
		"truncated last line": {good + `{"at":2,"hel`, "line 2: the record is truncated"},
		"not JSON":            {good + "hello\n" + good, "line 2: not a history record"},
		"two things at once":  {`{"at":1,"held":"p1","committed":"p1"}` + "\n", "line 1: not a history record: it has 2 of the keys that say what happened"},
		"nothing known":       {`{"at":1,"tolled":{}}` + "\n", "it has none of the keys that say what happened"},
		"an unknown outcome":  {`{"at":1,"told":{"payment":"p1","outcome":"maybe"}}` + "\n", `line 1: not a history record: outcome "maybe" is not one of`},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			for _, err = range history.Read(strings.NewReader(tc.file)) {
			}
			require.ErrorContains(t, err, tc.want)
		})
	}
}

type fullDisk struct{ room int }

var errFull = errors.New("no space left on device")

func (d *fullDisk) Write(p []byte) (int, error) {
	if d.room < len(p) {
		return 0, errFull
	}
	d.room -= len(p)
	return len(p), nil
}

// A write error is never swallowed, whatever comes after it.
func TestHistoryKeepsTheWriteError(t *testing.T) {
	h := history.New(&fullDisk{room: 100}, time.Now())
	for range 20 {
		h.Committed("p1")
	}
	require.ErrorIs(t, h.Err(), errFull)
	require.ErrorIs(t, h.Close(), errFull)
	require.ErrorIs(t, h.Close(), errFull)
}

func TestHistoryConcurrentWriters(t *testing.T) {
	var file bytes.Buffer
	h := history.New(&file, time.Now())
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for range 100 {
				h.Packet(harness.Packet{Direction: harness.Down})
				h.Committed("p1")
			}
		})
	}
	writers.Wait()
	require.NoError(t, h.Close())
	lines, last := 0, time.Duration(0)
	for r, err := range history.Read(&file) {
		require.NoError(t, err)
		lines++
		if r.Packet == nil {
			require.GreaterOrEqual(t, r.At, last, "offsets ascend")
			last = r.At
		}
	}
	require.Equal(t, 1600, lines)
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"at":1,"held":"p1"}` + "\n"))
	f.Add([]byte(`{"at":1,"packet":{"at":1,"client":0,"flow":1,"dir":"up","size":52,"drop":"loss"}}` + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		ended := false
		for r, err := range history.Read(bytes.NewReader(data)) {
			require.False(t, ended, "nothing comes after an error")
			if err != nil {
				require.Zero(t, r)
				ended = true
				continue
			}
			line, err := json.Marshal(r)
			require.NoError(t, err)
			for again, err := range history.Read(bytes.NewReader(append(line, '\n'))) {
				require.NoError(t, err)
				again.Line = r.Line
				require.Equal(t, r, again)
			}
		}
	})
}

func BenchmarkHistoryPacket(b *testing.B) {
	h := history.New(discard{}, time.Now())
	p := harness.Packet{At: 12 * time.Second, Client: 3, Flow: 7, Direction: harness.Up, Size: 52, Delay: 150 * time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		h.Packet(p)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func TestEnumsReadBack(t *testing.T) {
	for _, o := range []harness.Outcome{harness.OutcomeUnknown, harness.Queued, harness.Confirmed, harness.Declined, harness.Expired, harness.Failed} {
		b, err := json.Marshal(o)
		require.NoError(t, err)
		var back harness.Outcome
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, o, back)
	}
	require.Equal(t, result.Fail, result.Pass.Worse(result.StatusUnknown).Worse(result.Fail).Worse(result.Pass))
	require.Equal(t, result.StatusUnknown, result.Pass.Worse(result.StatusUnknown))
}
