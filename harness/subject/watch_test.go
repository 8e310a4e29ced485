package subject

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/relay"
)

// script is a server's end: what it answers to each write, and what it was sent.
type script struct {
	net.Conn
	answers []string
	got     bytes.Buffer
}

func (s *script) Write(b []byte) (int, error) { return s.got.Write(b) }

func (s *script) Read(b []byte) (int, error) {
	if len(s.answers) == 0 {
		return 0, io.EOF
	}
	n := copy(b, s.answers[0])
	s.answers = s.answers[1:]
	return n, nil
}

// Each request is told of when it is complete, when its answer begins and when a
// part of that has got through, and nothing is changed on the way.
func TestWatchTellsTheMoments(t *testing.T) {
	const (
		get  = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
		post = "POST /pay HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789"
		bits = "POST /pay HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n"
	)
	for name, tc := range map[string]struct {
		steps   []string // ">" writes the rest, "<" reads an answer
		answers []string
		want    string
	}{
		"one":            {[]string{">" + get, "<"}, []string{"answer"}, "complete 1, answered 1, got ans, inside 1, got wer"},
		"with a body":    {[]string{">" + post, "<"}, []string{"ok"}, "complete 1, answered 1, got o, inside 1, got k"},
		"in chunks":      {[]string{">" + bits, "<"}, []string{"ok"}, "complete 1, answered 1, got o, inside 1, got k"},
		"byte by byte":   {append(split(post), "<"), []string{"ok"}, "complete 1, answered 1, got o, inside 1, got k"},
		"a tiny answer":  {[]string{">" + get, "<"}, []string{"k"}, "complete 1, answered 1, got k"},
		"not complete":   {[]string{">" + post[:len(post)-1], "<"}, []string{"early"}, "got early"},
		"two":            {[]string{">" + get, "<", ">" + post, "<"}, []string{"ab", "cd"}, "complete 1, answered 1, got a, inside 1, got b, complete 2, answered 2, got c, inside 2, got d"},
		"more of it":     {[]string{">" + get, "<", "<"}, []string{"ab", "cd"}, "complete 1, answered 1, got a, inside 1, got b, got cd"},
		"not HTTP":       {[]string{">\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "<"}, []string{"secret"}, "got secret"},
		"not HTTP after": {[]string{">" + get, ">\x00\r\n\r\n" + get}, nil, "complete 1"},
	} {
		t.Run(name, func(t *testing.T) {
			var said []string
			w := &watch{reached: func(m harness.Moment, n int64) { said = append(said, fmt.Sprint(m, " ", n)) }}
			s := &script{answers: tc.answers}
			c, err := w.dial(to(s))(t.Context())
			require.NoError(t, err)
			sent := ""
			for _, step := range tc.steps {
				if text, ok := strings.CutPrefix(step, ">"); ok {
					_, err := io.WriteString(c, text)
					require.NoError(t, err)
					sent += text
					continue
				}
				for more := true; more; more = len(c.(*watched).rest) > 0 {
					b := make([]byte, 100)
					n, err := c.Read(b)
					require.NoError(t, err)
					said = append(said, "got "+string(b[:n]))
				}
			}
			require.Equal(t, tc.want, strings.Join(said, ", "))
			require.Equal(t, sent, s.got.String())
		})
	}
	failed := errors.New("no")
	_, err := new(watch).dial(func(context.Context) (net.Conn, error) { return nil, failed })(t.Context())
	require.ErrorIs(t, err, failed)
}

// to returns a dialer whose connection is c.
func to(c net.Conn) relay.DialFunc {
	return func(context.Context) (net.Conn, error) { return c, nil }
}

// When the server crashes at a moment of a request, the client gets nothing of the answer
// that it had not got before, and then the end of the connection.
func TestNothingPassesAfterACrash(t *testing.T) {
	for name, tc := range map[string]struct {
		moment harness.Moment
		want   string
	}{
		"complete": {harness.Complete, ""},
		"answered": {harness.Answered, ""},
		"inside":   {harness.Inside, "ans"},
		"none":     {harness.MomentUnknown, "answer, and more of it"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &watch{}
			w.reached = func(m harness.Moment, _ int64) {
				if m == tc.moment {
					w.crashed()
				}
			}
			c, err := w.dial(to(&script{answers: []string{"answer", ", and more", " of it"}}))(t.Context())
			require.NoError(t, err)
			_, err = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			require.NoError(t, err)
			got, err := io.ReadAll(c)
			require.NoError(t, err)
			require.Equal(t, tc.want, string(got))
			c, err = w.dial(to(&script{answers: []string{"restarted"}}))(t.Context())
			require.NoError(t, err)
			got, err = io.ReadAll(c)
			require.NoError(t, err)
			require.Equal(t, "restarted", string(got), "a connection to the server after its restart")
		})
	}
	new(subject).watch.crashed() // nothing is watched
}

func split(s string) (steps []string) {
	for i := range s {
		steps = append(steps, ">"+s[i:i+1])
	}
	return steps
}

// Whatever is sent arrives, and what is kept of it is bounded.
func FuzzWatch(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 3)
	f.Add([]byte("POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n123"), 1)
	f.Fuzz(func(t *testing.T, data []byte, step int) {
		step = max(1, step%64)
		s := &script{}
		c := &watched{Conn: relay.Conn{Conn: s}, watch: &watch{reached: func(harness.Moment, int64) {}}}
		for rest := data; len(rest) > 0; {
			n := min(step, len(rest))
			_, err := c.Write(rest[:n])
			require.NoError(t, err)
			rest = rest[n:]
		}
		require.True(t, bytes.Equal(data, s.got.Bytes()))
		require.LessOrEqual(t, len(c.request), maxRequest+step)
	})
}
