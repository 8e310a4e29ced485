package toxi_test

import (
	"bytes"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
	"github.com/onebar/onebar/harness/toxi"
)

func stream(kind, way string, attributes map[string]int64) harness.Fault {
	return harness.Fault{
		Action: harness.StreamToxic,
		Toxic:  &harness.Toxic{Type: kind, Stream: way, Attributes: attributes},
	}
}

// talk is a connection with both its ends.
type talk struct {
	t           *testing.T
	app, served net.Conn
}

// reply lets the server answer a request with p, and end.
func (x talk) reply(p []byte) {
	x.t.Helper()
	_, err := x.app.Write([]byte("request"))
	require.NoError(x.t, err)
	_, err = io.ReadFull(x.served, make([]byte, 7))
	require.NoError(x.t, err)
	go func() { _ = bench.Finish(x.served, p) }()
}

// engines are the two ways a stream toxic comes about: in the toxiproxy engine,
// and before another engine.
func engines() map[string]harness.Engine {
	return map[string]harness.Engine{"toxiproxy": toxi.Engine{}, "in front": toxi.InFrontOf(plain{})}
}

// Trap 3: stream toxics are used for what they are, on new connections.
func TestStreamToxics(t *testing.T) {
	answer := bench.Noise(3, 100_000)
	for name, tc := range map[string]struct {
		fault harness.Fault
		check func(talk)
	}{
		"reset_peer on the request": {
			stream("reset_peer", "upstream", nil),
			func(x talk) {
				_, err := x.app.Write([]byte("request"))
				require.NoError(x.t, err)
				for _, c := range []net.Conn{x.app, x.served} {
					_, err = c.Read(make([]byte, 1))
					require.ErrorIs(x.t, err, syscall.ECONNRESET)
				}
			},
		},
		"reset_peer a while after the answer came": {
			stream("reset_peer", "downstream", map[string]int64{"timeout": 40}),
			func(x talk) {
				start := time.Now()
				x.reply(answer)
				_, err := x.app.Read(make([]byte, 1))
				require.ErrorIs(x.t, err, syscall.ECONNRESET, "and nothing of it")
				require.GreaterOrEqual(x.t, time.Since(start), 40*time.Millisecond)
			},
		},
		"limit_data cuts inside the answer": {
			stream("limit_data", "downstream", map[string]int64{"bytes": 4321}),
			func(x talk) {
				x.reply(answer)
				got, err := io.ReadAll(x.app)
				require.NoError(x.t, err)
				require.True(x.t, bytes.Equal(answer[:4321], got), "%d bytes", len(got))
			},
		},
		"limit_data cuts inside the request": {
			stream("limit_data", "upstream", map[string]int64{"bytes": 3}),
			func(x talk) {
				_, err := x.app.Write([]byte("request"))
				require.NoError(x.t, err)
				got, err := io.ReadAll(x.served)
				require.NoError(x.t, err)
				require.Equal(x.t, "req", string(got))
				_, err = x.app.Read(make([]byte, 1))
				require.Error(x.t, err, "the connection is over")
			},
		},
		"slicer": {
			stream("slicer", "downstream", map[string]int64{"average_size": 100, "delay": 2000}),
			func(x talk) {
				start := time.Now()
				x.reply(answer[:1000])
				got, err := io.ReadAll(x.app)
				require.NoError(x.t, err)
				require.True(x.t, bytes.Equal(answer[:1000], got), "whole and in order")
				require.GreaterOrEqual(x.t, time.Since(start), 20*time.Millisecond, "in ten slices or more")
			},
		},
		"slow_close": {
			stream("slow_close", "downstream", map[string]int64{"delay": 60}),
			func(x talk) {
				start := time.Now()
				x.reply([]byte("answer"))
				got, err := io.ReadAll(x.app)
				require.NoError(x.t, err)
				require.Equal(x.t, "answer", string(got))
				require.GreaterOrEqual(x.t, time.Since(start), 60*time.Millisecond)
			},
		},
		"timeout swallows and then closes": {
			stream("timeout", "downstream", map[string]int64{"timeout": 40}),
			func(x talk) {
				x.reply(nil)
				got, err := io.ReadAll(x.app)
				require.NoError(x.t, err)
				require.Empty(x.t, got)
			},
		},
		"timeout for ever": {
			stream("timeout", "upstream", nil),
			func(x talk) {
				require.NoError(x.t, bench.Finish(x.app, []byte("request")))
				got, err := io.ReadAll(x.served)
				require.NoError(x.t, err)
				require.Empty(x.t, got)
			},
		},
	} {
		for engine, e := range engines() {
			t.Run(name+", "+engine, func(t *testing.T) {
				r := open(t, e, harness.NetworkConfig{Toxics: true})
				before, beforeServed := r.Connect(0)
				end := r.Inject(tc.fault)
				app, served := r.Connect(0)
				require.EqualValues(t, 1, end(), "connections that got it")
				after, afterServed := r.Connect(0)
				tc.check(talk{t, app, served})
				for _, x := range []talk{{t, before, beforeServed}, {t, after, afterServed}} {
					x.reply(answer)
					got, err := io.ReadAll(x.app)
					require.NoError(t, err, "a connection from before or after the fault")
					require.True(t, bytes.Equal(answer, got))
				}
			})
		}
	}
}

func TestToxicsOverlap(t *testing.T) {
	r := open(t, toxi.Engine{}, harness.NetworkConfig{})
	for _, f := range []harness.Fault{
		stream("slicer", "downstream", map[string]int64{"average_size": 7}),
		stream("limit_data", "downstream", map[string]int64{"bytes": 50}),
		stream("limit_data", "downstream", map[string]int64{"bytes": 30}),
		stream("slow_close", "upstream", map[string]int64{"delay": 10}),
	} {
		r.Inject(f)
	}
	app, served := r.Connect(0)
	_, err := served.Write(bench.Noise(1, 100_000))
	require.NoError(t, err)
	got, err := io.ReadAll(app)
	require.NoError(t, err)
	require.True(t, bytes.Equal(bench.Noise(1, 30), got))
}

// A toxic for so many connections is for the first of them.
func TestToxicForAFewConnections(t *testing.T) {
	for name, e := range engines() {
		t.Run(name, func(t *testing.T) {
			r := open(t, e, harness.NetworkConfig{Toxics: true})
			f := stream("limit_data", "downstream", map[string]int64{"bytes": 3})
			f.Toxic.Connections = 2
			end, err := r.Net.Inject(f)
			require.NoError(t, err)
			for _, want := range []string{"ans", "ans", "answer", "answer"} {
				app, served := r.Connect(0)
				talk{t, app, served}.reply([]byte("answer"))
				got, err := io.ReadAll(app)
				require.NoError(t, err)
				require.Equal(t, want, string(got))
			}
			require.EqualValues(t, 2, end())
		})
	}
}

func TestBadToxicIsNotInjected(t *testing.T) {
	for name, e := range engines() {
		t.Run(name, func(t *testing.T) {
			r := open(t, e, harness.NetworkConfig{Toxics: true})
			_, err := r.Net.Inject(harness.Fault{Action: harness.StreamToxic})
			require.ErrorContains(t, err, "names none")
			_, err = r.Net.Inject(stream("noop", "upstream", nil))
			require.ErrorContains(t, err, `toxic type "noop"`)
		})
	}
}
