package baseline

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
)

// conversation is what the two ends of a connection do. None depends on how the
// bytes are cut into reads, or on who is faster.
type conversation struct {
	name           string
	client, server func(*end)
}

// end is one end of a conversation, and what it has seen of the other one.
type end struct {
	net.Conn
	seen []string
}

func (e *end) note(did string, n int, err error) {
	e.seen = append(e.seen, fmt.Sprintf("%s %d bytes: %s", did, n, word(err)))
}

func (e *end) write(b []byte) {
	n, err := e.Write(b)
	e.note("wrote", n, err)
}

func (e *end) read(n int) {
	b := make([]byte, n)
	n, err := io.ReadFull(e, b)
	e.note(fmt.Sprintf("read %x,", sha256.Sum256(b[:n])), n, err)
}

func (e *end) rest() {
	b, err := io.ReadAll(e)
	e.note(fmt.Sprintf("read the rest %x,", sha256.Sum256(b)), len(b), err)
}

func (e *end) finish(b []byte) {
	e.write(b)
	e.note("ended the stream,", 0, bench.CloseWrite(e.Conn))
}

func (e *end) hangUp() { e.note("closed,", 0, e.Close()) }

func (e *end) abort() { e.note("reset,", 0, bench.Abort(e.Conn)) }

// word is what is the same of an error on all connections.
func word(err error) string {
	if err == nil {
		return "ok"
	}
	for _, is := range []error{io.ErrUnexpectedEOF, io.EOF, syscall.ECONNRESET, syscall.EPIPE, net.ErrClosed, os.ErrDeadlineExceeded} {
		if errors.Is(err, is) {
			return is.Error()
		}
	}
	return err.Error()
}

// conversations are those that must go on each engine as they do without one.
func conversations() []conversation {
	list := []conversation{
		{
			"requests and answers",
			func(e *end) {
				for i := range 20 {
					e.write(bench.Noise(uint64(i), 1+i*i*30))
					e.read(1 + i*50)
				}
				e.hangUp()
			},
			func(e *end) {
				for i := range 20 {
					e.read(1 + i*i*30)
					e.write(bench.Noise(uint64(i), 1+i*50))
				}
				e.rest()
			},
		},
		{
			"the answer after the end of the request",
			func(e *end) { e.finish(bench.Noise(1, 3<<20)); e.rest() },
			func(e *end) { e.rest(); e.finish(bench.Noise(2, 1<<20)) },
		},
		{
			"nothing is sent",
			func(e *end) { e.hangUp() },
			func(e *end) { e.rest(); e.hangUp() },
		},
		{
			"a write after the end of the stream",
			func(e *end) { e.finish(nil); e.write([]byte("x")); e.rest() },
			func(e *end) { e.rest(); e.write([]byte("still here")); e.hangUp() },
		},
	}
	for _, size := range [][2]int{{1, 1}, {1448, 1449}, {100_000, 0}, {1 << 20, 1 << 20}} {
		list = append(list, conversation{
			fmt.Sprintf("%d bytes up and %d down at once", size[0], size[1]),
			func(e *end) { e.exchange(bench.Noise(3, size[0])) },
			func(e *end) { e.exchange(bench.Noise(4, size[1])) },
		})
	}
	return append(list, endings()...)
}

// exchange sends bytes while it reads those of the other end.
func (e *end) exchange(b []byte) {
	sender := &end{Conn: e.Conn}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		sender.finish(b)
	}()
	e.rest()
	<-sent
	e.seen = append(e.seen, sender.seen...)
}

// endings are the ways in which either end can end a connection.
func endings() (list []conversation) {
	for name, how := range map[string]func(*end){"closes": (*end).hangUp, "resets": (*end).abort} {
		leaver := func(e *end) {
			e.write([]byte("last words"))
			e.read(1)
			how(e)
		}
		stayer := func(e *end) {
			e.read(10)
			e.write([]byte("k"))
			e.rest()
			e.hangUp()
		}
		list = append(list,
			conversation{"the client " + name, leaver, stayer},
			conversation{"the server " + name, stayer, leaver},
		)
	}
	careless := func(e *end) { e.read(1); e.hangUp() }
	unheard := func(e *end) { e.write([]byte("nobody reads this")); e.rest() }
	return append(list,
		conversation{"the server closes with unread data", unheard, careless},
		conversation{"the client closes with unread data", careless, unheard},
	)
}

// hold has the two ends of a connection hold a conversation, and returns what they
// saw.
func (c conversation) hold(client, server net.Conn) (seen [2][]string) {
	ends := []*end{{Conn: client}, {Conn: server}}
	over := make(chan struct{})
	go func() {
		defer close(over)
		c.server(ends[1])
	}()
	c.client(ends[0])
	<-over
	return [2][]string{ends[0].seen, ends[1].seen}
}

// kernel holds a conversation over a connection of the kernel, with no network of the
// harness between.
func (c conversation) kernel(t *testing.T) [2][]string {
	t.Helper()
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	var dial net.Dialer
	client, err := dial.DialContext(t.Context(), "tcp", l.Addr().String())
	require.NoError(t, err)
	defer client.Close()
	server, err := l.Accept()
	require.NoError(t, err)
	defer server.Close()
	for _, conn := range []net.Conn{client, server} {
		require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	}
	return c.hold(client, server)
}

// Direct returns tests that hold every conversation over a perfect link, and over one
// that delays: both ends see what they see of a direct connection, and no packet is lost
// or sent again.
func Direct(t *testing.T) bench.Tests {
	t.Helper()
	list := bench.Tests{}
	for _, talk := range conversations() {
		want := talk.kernel(t)
		for _, delayed := range []bool{false, true} {
			name := talk.name + " over a perfect link"
			if delayed {
				name = talk.name + " over a slow link"
			}
			list[name] = func(b *bench.B) {
				var profile harness.Profile
				if delayed {
					b.Short() // together they do
					profile = bench.Link(b.Delay)
				}
				b.Open(harness.NetworkConfig{Profile: profile})
				b.Equal(want, talk.hold(b.Connect(0)))
				b.Zero(b.Packets.Count(bench.Dropped))
				if b.Virtual {
					b.Zero(b.Packets.Count(bench.Retransmitted), "in real time a machine that stalls causes some")
				}
			}
		}
	}
	return list
}
