package noise

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	flynn "github.com/flynn/noise"

	"github.com/onebar/onebar/reference/channel"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/wire"
)

// ServerConfig configures the bank's end. The zero value of a limit is its default.
type ServerConfig struct {
	Static   KeyPair           // the bank's own
	Receipts ed25519.PublicKey // verifies the bank's receipts; requests are signed for the bank with this key
	Rand     io.Reader         // of the handshakes' ephemeral keys, shared by connections; nil is crypto/rand

	// Identify returns the identity that has certified a wallet's transport key, or
	// false if the bank knows no such wallet. It is called once per connection, by
	// several goroutines at once, and must return soon. Nil knows no wallet.
	Identify func(transport [32]byte) (identity pay.PublicKey, known bool)

	MaxRequest       int           // bytes of the Noise message of a request, 150 to 65535; default 1024
	HandshakeTimeout time.Duration // for the whole of message 1; default DefaultHandshakeTimeout
	IdleTimeout      time.Duration // between requests; default DefaultIdleTimeout
	FrameTimeout     time.Duration // from a frame's first byte to its last; default DefaultFrameTimeout
	WriteTimeout     time.Duration // to hand an answer to the network; default DefaultWriteTimeout
}

// Defaults of the time-outs of [ServerConfig].
const (
	DefaultHandshakeTimeout = 30 * time.Second
	DefaultIdleTimeout      = 2 * time.Minute
	DefaultFrameTimeout     = 10 * time.Second
	DefaultWriteTimeout     = 30 * time.Second
)

func (c ServerConfig) withDefaults() ServerConfig {
	if c.MaxRequest <= 0 {
		c.MaxRequest = 1024
	}
	c.MaxRequest = min(c.MaxRequest, maxFrame)
	if c.Identify == nil {
		c.Identify = func([32]byte) (pay.PublicKey, bool) { return pay.PublicKey{}, false }
	}
	for _, d := range []struct {
		d   *time.Duration
		def time.Duration
	}{
		{&c.HandshakeTimeout, DefaultHandshakeTimeout},
		{&c.IdleTimeout, DefaultIdleTimeout},
		{&c.FrameTimeout, DefaultFrameTimeout},
		{&c.WriteTimeout, DefaultWriteTimeout},
	} {
		if *d.d <= 0 {
			*d.d = d.def
		}
	}
	return c
}

// ServerConn is the bank's end of a connection, a Conn of package server. Receive is
// for one goroutine; the other methods may be called from several.
type ServerConn struct {
	conn   net.Conn
	cfg    ServerConfig
	frames *frameReader

	received  uint64                // requests so far; Receive's
	transport PublicKey             // set by the first Receive
	payer     pay.PublicKey         // set by the first Receive; zero: not known to the bank
	hs        *flynn.HandshakeState // the first Receive's, then the first Send's
	dec       *flynn.CipherState    // Receive's, set before ready
	plain     []byte                // Receive's

	lock  chan struct{}      // holds one token; its holder may write
	enc   *flynn.CipherState // under lock
	buf   []byte             // under lock
	ready chan struct{}      // closed by the first Send: the handshake is complete
	done  chan struct{}      // closed by Close

	mu      sync.Mutex
	stopped bool
	closed  bool
}

// Server returns the bank's end of conn, which it owns from now on. The caller
// closes it. Nothing is read before the first Receive.
func Server(conn net.Conn, cfg ServerConfig) *ServerConn {
	quiet(conn)
	cfg = cfg.withDefaults()
	c := &ServerConn{
		conn: conn, cfg: cfg, frames: newFrameReader(conn, cfg.MaxRequest),
		lock: make(chan struct{}, 1), ready: make(chan struct{}), done: make(chan struct{}),
	}
	c.frames.deadline = c.readBefore
	return c
}

// Receive waits for the next valid request. Any error is final: io.EOF if the
// wallet has closed the connection between requests, channel.ErrStopped, one that
// wraps channel.ErrProtocol if the wallet is not to be trusted or has not signed,
// os.ErrDeadlineExceeded if it was too slow, or an error of the connection. The
// second Receive waits until the first request has been answered.
func (c *ServerConn) Receive() (channel.Incoming, error) {
	r, err := c.receive()
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.stopped {
			err = channel.ErrStopped
		}
		return channel.Incoming{}, err
	}
	c.received++
	return channel.Incoming{Number: c.received - 1, Request: r}, nil
}

func (c *ServerConn) receive() (*pay.Request, error) {
	if c.received == 0 {
		return c.firstRequest()
	}
	select {
	case <-c.ready:
	case <-c.done:
		return nil, net.ErrClosed
	}
	frame, err := c.frames.next(c.cfg.IdleTimeout, c.cfg.FrameTimeout)
	if err != nil {
		return nil, err
	}
	if c.plain, err = c.dec.Decrypt(c.plain[:0], nil, frame); err != nil {
		return nil, violation("a request does not decrypt: %w", err)
	}
	r, err := wire.ParseRequest(c.plain)
	if err != nil {
		return nil, violation("%w", err)
	}
	if len(r.Signature) == 0 {
		return r, nil // the session itself authenticates the wallet by now
	}
	if err := c.verify(r); err != nil {
		return nil, err
	}
	return r, nil
}

func (c *ServerConn) firstRequest() (*pay.Request, error) {
	frame, err := c.frames.next(c.cfg.HandshakeTimeout, 0)
	if err != nil {
		return nil, err
	}
	hs, r, err := readMessage1(&c.cfg, frame)
	if err != nil {
		return nil, err
	}
	c.transport = PublicKey(hs.PeerStatic())
	if identity, known := c.cfg.Identify(c.transport); known {
		c.payer = identity
	}
	if err := c.verify(r); err != nil {
		return nil, err
	}
	c.hs = hs
	return r, nil
}

// verify returns a protocol violation if the wallet has not signed r. A wallet
// that the bank does not know has no identity to verify with, and is refused by
// the service.
func (c *ServerConn) verify(r *pay.Request) error {
	if c.payer == (pay.PublicKey{}) {
		return nil
	}
	if err := r.VerifySignature(c.payer, c.cfg.Receipts); err != nil {
		return violation("%w", err)
	}
	return nil
}

func readMessage1(cfg *ServerConfig, frame []byte) (*flynn.HandshakeState, *pay.Request, error) {
	hs, err := newHandshake(false, cfg.Static.static(), nil, cfg.Rand)
	if err != nil {
		return nil, nil, err
	}
	payload, _, _, err := hs.ReadMessage(nil, frame)
	if err != nil {
		return nil, nil, violation("handshake message 1: %w", err)
	}
	r, err := wire.ParseRequest(payload)
	if err != nil {
		return nil, nil, violation("%w", err)
	}
	return hs, r, nil
}

// Payer is the identity of the wallet, known once a first request was received. It
// is zero if the bank does not know the wallet.
func (c *ServerConn) Payer() pay.PublicKey { return c.payer }

// Peer is the wallet's authenticated transport key in hexadecimal, known once a
// first request was received, also if the bank does not know the wallet.
func (c *ServerConn) Peer() string { return c.transport.String() }

// Send answers the request with this number. Answers may be sent in any order,
// each request's once. After an error the connection cannot be used any more.
func (c *ServerConn) Send(number uint64, a *pay.Answer) error {
	var buf [256]byte
	payload, err := wire.AppendAnswer(buf[:0], number, a)
	if err != nil {
		return err
	}
	select {
	case c.lock <- struct{}{}:
		defer func() { <-c.lock }()
	case <-c.done:
		return net.ErrClosed
	}
	if c.enc == nil {
		return c.sendMessage2(payload)
	}
	frame, err := c.enc.Encrypt(append(c.buf[:0], 0, 0), nil, payload)
	if err != nil {
		return fmt.Errorf("encrypt an answer: %w", err)
	}
	c.buf = frame
	return c.write(frame)
}

func (c *ServerConn) sendMessage2(payload []byte) error {
	if c.hs == nil {
		return errors.New("send an answer: no request was received yet")
	}
	frame, dec, enc, err := c.hs.WriteMessage(make([]byte, prefixSize, maxHandshake), payload)
	if err != nil {
		return fmt.Errorf("write handshake message 2: %w", err)
	}
	c.hs, c.enc, c.dec = nil, enc, dec
	if err := c.write(frame); err != nil {
		return err
	}
	close(c.ready)
	return nil
}

func (c *ServerConn) write(frame []byte) error {
	frame, err := sealFrame(frame)
	if err != nil {
		return err
	}
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.cfg.WriteTimeout)); err != nil {
		return err
	}
	if _, err := c.conn.Write(frame); err != nil {
		c.Close() // half a frame may be out
		return err
	}
	return nil
}

// readBefore sets the deadline of reads to come, unless receiving was stopped.
func (c *ServerConn) readBefore(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return channel.ErrStopped
	}
	return c.conn.SetReadDeadline(t)
}

// StopReceiving makes the Receive under way and all later ones return
// channel.ErrStopped. Send still works.
func (c *ServerConn) StopReceiving() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	if err := c.conn.SetReadDeadline(time.Unix(1, 0)); err != nil { // long past
		c.conn.Close()
	}
}

// Close closes the connection. What was not sent is lost.
func (c *ServerConn) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		close(c.done)
		c.conn.Close()
	}
}
