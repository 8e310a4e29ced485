package subject

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/relay"
)

// watch follows the HTTP/1.1 requests on all connections to the server and reports the
// progress of each. It numbers them from 1, in the order in which they arrive completely
// at the server. It does not see what it cannot read, such as TLS or HTTP/2, nor
// requests longer than maxRequest.
type watch struct {
	reached func(m harness.Moment, request int64) // returns when everything that was planned for that moment is done
	crashes atomic.Int64                          // how often crashed was called

	mu       sync.Mutex
	complete int64
}

// maxRequest is the longest request that is followed, in bytes.
const maxRequest = 1 << 20

// dial returns a dialer whose connections to the server are watched.
func (w *watch) dial(reach relay.DialFunc) relay.DialFunc {
	return func(ctx context.Context) (net.Conn, error) {
		life := w.crashes.Load()
		c, err := reach(ctx)
		if err != nil {
			return nil, err
		}
		return &watched{Conn: relay.Conn{Conn: c}, watch: w, life: life}, nil
	}
}

// crashed makes the connections that are open, or are being dialed, pass on nothing more
// of what the server has sent. Call it when a crash of the server begins, and when the
// server is dead. A nil watch has no connections.
func (w *watch) crashed() {
	if w != nil {
		w.crashes.Add(1)
	}
}

// next returns the number of a request that has arrived completely.
func (w *watch) next() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.complete++
	return w.complete
}

// watched is a connection to the server. The relay uses it from two goroutines: one
// writes what the client has sent, and one reads the answers.
type watched struct {
	relay.Conn
	watch *watch
	life  int64 // crashes of the server before it was dialed

	request []byte // what has arrived of the incomplete request; the writer's
	blind   bool   // what is written cannot be parsed

	mu      sync.Mutex // held during the actions planned for a moment, so that no answer passes meanwhile
	waiting int64      // number of the request whose answer has not begun; 0 is none

	// The answer that was read and not yet passed on; the reader's.
	begun int64 // number of its request; 0 is none
	rest  []byte
	err   error // that ended the answer
}

// Write passes on what the client has sent.
func (c *watched) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.Conn.Write(b)
	if err != nil || c.blind {
		return n, err
	}
	c.request = append(c.request, b...)
	for c.ends() {
		c.waiting = c.watch.next()
		c.watch.reached(harness.Complete, c.waiting)
	}
	return n, nil
}

// ends removes a complete request from the beginning of what was written.
func (c *watched) ends() bool {
	whole := bytes.NewReader(c.request)
	in := bufio.NewReader(whole)
	err := io.ErrUnexpectedEOF
	if bytes.Contains(c.request, []byte("\r\n\r\n")) { // package http accepts a last line without its end
		var r *http.Request
		if r, err = http.ReadRequest(in); err == nil {
			_, err = io.Copy(io.Discard, r.Body)
		}
	}
	if err == nil {
		c.request = c.request[len(c.request)-whole.Len()-in.Buffered():]
		return true
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(c.request) > maxRequest {
		c.blind, c.request = true, nil
	}
	return false
}

// Read passes on what the server has sent. It passes the first bytes of an answer in two
// halves, so that an action can happen between them. Once the server has crashed, it
// passes only how the connection ended.
func (c *watched) Read(b []byte) (int, error) {
	n, err := c.read(b)
	for n > 0 && c.life != c.watch.crashes.Load() {
		c.rest = nil
		n, err = c.Conn.Read(b)
	}
	return n, err
}

func (c *watched) read(b []byte) (int, error) {
	if len(c.rest) > 0 {
		c.tell(harness.Inside, &c.begun)
		n := copy(b, c.rest)
		c.rest = c.rest[n:]
		if len(c.rest) == 0 {
			return n, c.err
		}
		return n, nil
	}
	n, err := c.Conn.Read(b)
	if n == 0 {
		return n, err
	}
	c.begun = c.tell(harness.Answered, &c.waiting)
	half := (n + 1) / 2
	if c.begun == 0 || half == n {
		return n, err
	}
	c.rest, c.err = bytes.Clone(b[half:n]), err
	return half, nil
}

// tell reports a moment of the request that waits, if one does, and returns its number.
func (c *watched) tell(m harness.Moment, waits *int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := *waits
	if n > 0 {
		*waits = 0
		c.watch.reached(m, n)
	}
	return n
}
