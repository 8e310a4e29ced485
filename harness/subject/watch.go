package subject

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/relay"
)

// watch follows the HTTP/1.1 requests of all connections to the server, and tells
// of each how far it is. It numbers them in the order in which the server has them
// complete, from 1. What it cannot read, such as TLS or HTTP/2, passes unseen, and
// so do requests of more than maxRequest bytes.
type watch struct {
	reached func(m harness.Moment, request int64) // returns when what waited for it has been done

	mu       sync.Mutex
	complete int64
}

// maxRequest is how much of a request is kept while it is not complete.
const maxRequest = 1 << 20

// conn watches a connection to the server.
func (w *watch) conn(c net.Conn, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	return &watched{Conn: relay.Conn{Conn: c}, watch: w}, nil
}

// next numbers a request that the server has complete.
func (w *watch) next() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.complete++
	return w.complete
}

// watched is a connection to the server, as the relay before it uses it: one
// goroutine writes what the client has sent, and one reads the answers.
type watched struct {
	relay.Conn
	watch *watch

	request []byte // of the one that is not complete; the writer's
	blind   bool   // what is written cannot be read

	mu      sync.Mutex // held while what waited for a moment is done, so that no answer slips through
	waiting int64      // number of the request whose answer has not begun; 0 is none

	// Of an answer that was read and not passed on; the reader's.
	begun int64 // number of its request; 0 is none
	rest  []byte
	err   error // that ended it
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

// ends takes a complete request off the front of what was written.
func (c *watched) ends() bool {
	whole := bytes.NewReader(c.request)
	in := bufio.NewReader(whole)
	err := io.ErrUnexpectedEOF
	if bytes.Contains(c.request, []byte("\r\n\r\n")) { // package http takes the end of the data for that of a line
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

// Read passes on what the server has sent. Of an answer the first bytes come in two
// halves, so that something can be done between them.
func (c *watched) Read(b []byte) (int, error) {
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

// tell tells of a moment of the request that waits for it, if one does, and returns
// its number.
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
