package packet_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
	"github.com/onebar/onebar/harness/packet"
	"github.com/onebar/onebar/harness/pcap"
	"github.com/onebar/onebar/harness/run"
	"github.com/onebar/onebar/harness/testneeds"
	"github.com/onebar/onebar/reference"
)

// number names an offered packet: its link, and its place there.
type number struct {
	client int
	dir    harness.Direction
	n      int64
}

// frame is a packet as it was captured.
type frame struct {
	number
	at   time.Duration
	size int
}

// tape captures packets in memory as a pcap, and keeps what the network tells of
// them.
type tape struct {
	bench.Log
	start time.Time

	mu     sync.Mutex
	count  map[number]int64 // packets so far, by link
	frames []frame
	file   bytes.Buffer
	out    *pcap.Writer
	err    error
}

func newTape(t *testing.T, start time.Time) *tape {
	t.Helper()
	c := &tape{start: start, count: map[number]int64{}}
	var err error
	c.out, err = pcap.NewWriter(&c.file)
	require.NoError(t, err)
	return c
}

func (c *tape) Capture(at time.Duration, client int, d harness.Direction, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	link := number{client: client, dir: d}
	c.count[link]++
	c.frames = append(c.frames, frame{number{client, d, c.count[link]}, at, len(b)})
	c.err = errors.Join(c.err, c.out.Write(c.start.Add(at), b, len(b)))
}

// reports returns what the network told of each packet, without the copies the
// link made.
func (c *tape) reports(t *testing.T) map[number]harness.Packet {
	t.Helper()
	m := map[number]harness.Packet{}
	for _, p := range c.All(bench.Any) {
		if !p.Copy {
			k := number{p.Client, p.Direction, p.N}
			require.NotContains(t, m, k, "told of twice")
			m[k] = p
		}
	}
	return m
}

// taped is the engine with a tape in it.
type taped struct {
	packet.Engine
	t    *testing.T
	tape *tape
}

func (e *taped) Open(ctx context.Context, c harness.NetworkConfig) (harness.Network, error) {
	e.tape = newTape(e.t, c.Start)
	c.Capture, c.Packets = e.tape, both{c.Packets, e.tape}
	return e.Engine.Open(ctx, c)
}

type both struct{ a, b harness.PacketSink }

func (s both) Packet(p harness.Packet) {
	s.a.Packet(p)
	s.b.Packet(p)
}

// ride is a run of the reference pair over a lossy link, with everything that
// makes packets strange.
func ride(t *testing.T) *tape {
	t.Helper()
	lossy := harness.Path{
		Delay: 60 * time.Millisecond, Jitter: 20 * time.Millisecond, Rate: 500_000, Loss: harness.Loss{P: 0.1},
		Duplicate: 0.02, Corrupt: 0.02, Reorder: 0.02,
	}
	narrow := bench.Both(lossy)
	narrow.Up.MTU, narrow.Down.MTU = 1000, 1000
	e := &taped{t: t}
	res, err := run.Run(t.Context(), harness.Scenario{
		Name: "ride", Link: bench.Both(lossy), Settle: 2 * time.Minute,
		Workload: harness.Workload{
			Wallets: 5, Merchants: 2, Payments: 60, Rate: 8, AmountMin: 100, AmountMax: 900,
			Currency: "EUR", Deadline: 5 * time.Minute, Attempts: 50,
		},
		Timeline: []harness.Event{
			{At: 2 * time.Second, Action: harness.Rebind, NewAddress: true},
			{At: 3 * time.Second, For: 2 * time.Second, Action: harness.Blackhole},
			{At: 6 * time.Second, Action: harness.Rebind},
			{At: 7 * time.Second, Action: harness.Crash, Side: harness.Server, Restart: 500 * time.Millisecond, Vanish: true},
			{At: 8 * time.Second, For: 4 * time.Second, Action: harness.CrossTraffic},
			{At: 9 * time.Second, For: 2 * time.Second, Action: harness.SetLink, Link: &narrow},
		},
	}, run.Options{Engine: e, Subject: reference.New(reference.Options{}), Seed: 3, Dir: t.TempDir()})
	require.NoError(t, err)
	require.Empty(t, res.Error)
	require.NoError(t, e.tape.err)
	return e.tape
}

// TestCapture reads a capture back and finds every packet that was told of, and
// no other.
func TestCapture(t *testing.T) {
	if testing.Short() {
		t.Skip("pays for ten seconds")
	}
	c := ride(t)
	reports := c.reports(t)
	require.Len(t, c.frames, len(reports))
	for _, f := range c.frames {
		p, ok := reports[f.number]
		require.True(t, ok, "%+v is told of", f)
		require.Equal(t, p.Size, f.size)
		require.Equal(t, p.At, f.at)
	}
	r, err := pcap.NewReader(bytes.NewReader(c.file.Bytes()))
	require.NoError(t, err)
	type sum struct{ packets, bytes int }
	got, want := map[harness.Direction]sum{}, map[harness.Direction]sum{}
	for i := 0; ; i++ {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			require.Len(t, c.frames, i)
			break
		}
		require.NoError(t, err)
		f := p.Decode()
		d := harness.Down
		if netip.MustParsePrefix("10.0.0.0/16").Contains(f.Dst) {
			d = harness.Up
		}
		require.Equal(t, c.start.Add(c.frames[i].at).UnixNano(), int64(p.Time))
		got[d] = sum{got[d].packets + 1, got[d].bytes + f.Length}
	}
	again := 0
	for _, p := range reports {
		want[p.Direction] = sum{want[p.Direction].packets + 1, want[p.Direction].bytes + p.Size}
		if p.Retransmit {
			again++
		}
	}
	require.Equal(t, want, got)
	require.NotZero(t, again)
	t.Logf("%v, %d retransmissions", got, again)
	t.Run("tshark", func(t *testing.T) { compareWithTshark(t, c) })
}

// compareWithTshark has tshark read a capture, and compares packet by packet.
//
// What we call a retransmission tshark may also call out of order: it does so if
// the segment came sooner after the newest one than the first round trip took,
// since to a capture in the middle of a path both look the same. Ours is taken
// where packets are sent, and TCP sends new data in order: all of them are
// retransmissions. And a single byte sent again looks like a keepalive.
func compareWithTshark(t *testing.T, c *tape) {
	t.Helper()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		testneeds.Missing(t, "tshark is not installed")
	}
	file := filepath.Join(t.TempDir(), "radio.pcap")
	require.NoError(t, os.WriteFile(file, c.file.Bytes(), 0o600))
	fields := []string{
		"frame.len", "tcp.analysis.retransmission", "tcp.analysis.fast_retransmission", "tcp.analysis.spurious_retransmission",
		"tcp.analysis.out_of_order", "tcp.analysis.keep_alive", "tcp.len",
	}
	args := []string{"-n", "-r", file, "-T", "fields"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	cmd := exec.Command(tshark, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	require.Len(t, lines, len(c.frames), "tshark counts the same packets")
	reports := c.reports(t)
	var again, disordered, kept int
	for i, line := range lines {
		field := strings.Split(line, "\t")
		size, err := strconv.Atoi(field[0])
		require.NoError(t, err)
		f := c.frames[i]
		require.Equal(t, f.size, size)
		switch ours := reports[f.number].Retransmit; {
		case field[1] != "" || field[2] != "" || field[3] != "":
			require.True(t, ours, "tshark calls frame %d a retransmission: %v", i+1, line)
			again++
		case field[4] != "":
			require.True(t, ours, "tshark calls frame %d out of order: %v", i+1, line)
			disordered++
		case ours:
			require.True(t, field[5] != "" && field[6] == "1", "tshark calls frame %d no retransmission: %v", i+1, line)
			kept++
		}
	}
	require.NotZero(t, again)
	t.Logf("tshark: %d packets, %d retransmissions, %d out of order, %d keepalives that are neither", len(lines), again, disordered, kept)
}
