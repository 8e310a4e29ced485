package noise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"

	flynn "github.com/flynn/noise"

	"github.com/onebar/onebar/reference/channel"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/vault"
	"github.com/onebar/onebar/reference/wire"
)

// ClientConfig configures the wallet's end.
type ClientConfig struct {
	Vault vault.Vault // the wallet's own; the bank has its certificate
	Bank  PublicKey   // static key of the bank to trust
	Rand  io.Reader   // of the handshake's ephemeral key; nil is crypto/rand
}

// Dialer opens sessions over streams. It implements [channel.Dialer].
type Dialer struct {
	ClientConfig

	Address string // of the bank, handed to Net with network "tcp"
	// Net opens a stream, as net.Dialer.DialContext does.
	Net func(ctx context.Context, network, address string) (net.Conn, error)
}

// Dial implements [channel.Dialer]. The handshake is made with the first request.
func (d *Dialer) Dial(ctx context.Context) (channel.Channel, error) {
	conn, err := d.Net(ctx, "tcp", d.Address)
	if err != nil {
		return nil, fmt.Errorf("connect to the bank: %w", err)
	}
	return Client(conn, d.ClientConfig), nil
}

// Session is the wallet's end of a connection. It implements [channel.Channel].
type Session struct {
	conn   net.Conn
	cfg    ClientConfig
	frames *frameReader

	lock    chan struct{}         // holds one token; its holder may write
	started bool                  // under lock: message 1 was written, or failed to be
	hs      *flynn.HandshakeState // under lock before started, then the reader's
	enc     *flynn.CipherState    // under lock, set before ready
	buf     []byte                // under lock

	ready  chan struct{} // closed by the reader: the handshake is complete
	done   chan struct{} // closed: the session has failed
	reader chan struct{} // closed: the reader has ended

	mu      sync.Mutex
	next    uint64                      // number of the next request
	waiting map[uint64]chan *pay.Answer // by number of the request; each has room for its answer
	queue   []chan struct{}             // calls that wait for the end of the handshake, in order; each is closed when it may send
	err     error                       // why done is closed
}

// Client returns a session over conn, which it owns from now on. Nothing is sent
// before the first Do. The caller closes the session.
func Client(conn net.Conn, cfg ClientConfig) *Session {
	quiet(conn)
	return &Session{
		conn: conn, cfg: cfg, frames: newFrameReader(conn, maxAnswer),
		lock:  make(chan struct{}, 1),
		ready: make(chan struct{}), done: make(chan struct{}), reader: make(chan struct{}),
		waiting: map[uint64]chan *pay.Answer{},
	}
}

// Do implements [channel.Channel]. The first request of a session must be signed;
// the signatures of later ones stay in the wallet: see the package comment.
func (s *Session) Do(ctx context.Context, r *pay.Request) (*pay.Answer, error) {
	a, err := s.do(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("ask the bank to %v %v: %w", r.Ask, r.Payment.Key, err)
	}
	return a, nil
}

func (s *Session) do(ctx context.Context, r *pay.Request) (*pay.Answer, error) {
	n, answer, err := s.send(ctx, r)
	if err != nil {
		return nil, err
	}
	var a *pay.Answer
	select {
	case a = <-answer:
	case <-ctx.Done():
		s.mu.Lock()
		delete(s.waiting, n)
		s.mu.Unlock()
		return nil, ctx.Err()
	case <-s.done:
		select {
		case a = <-answer: // it came just before the session failed
		default:
			return nil, s.Err()
		}
	}
	a.Key = r.Payment.Key
	return a, nil
}

// send writes a request, as handshake message 1 if it is the first.
func (s *Session) send(ctx context.Context, r *pay.Request) (n uint64, answer chan *pay.Answer, err error) {
	for {
		if err := s.acquire(ctx); err != nil {
			return 0, nil, err
		}
		if !s.started {
			defer s.release()
			return s.start(ctx, r)
		}
		select {
		case <-s.ready:
			defer s.release()
			return s.transport(ctx, r)
		default:
		}
		turn := s.queueUp()
		s.release()
		select {
		case <-turn:
			defer s.nextTurn(nil)
		case <-ctx.Done():
			s.nextTurn(turn)
			return 0, nil, ctx.Err()
		case <-s.done:
			return 0, nil, s.Err()
		}
	}
}

// queueUp adds a call that waits for the end of the handshake. The calls send one after the
// other, in the order in which they came.
func (s *Session) queueUp() (turn chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	turn = make(chan struct{})
	s.queue = append(s.queue, turn)
	return turn
}

// nextTurn lets the next call send. A call that gives up leaves the queue; if it may send
// already, the next call may.
func (s *Session) nextTurn(left chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.queue, left); i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
		return
	}
	if len(s.queue) > 0 {
		close(s.queue[0])
		s.queue = s.queue[1:]
	}
}

func (s *Session) acquire(ctx context.Context) error {
	select {
	case s.lock <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.done:
		return s.Err()
	}
	err := s.Err()
	if err == nil {
		err = ctx.Err() // a write after the deadline would end the session
	}
	if err != nil {
		s.release()
	}
	return err
}

func (s *Session) release() { <-s.lock }

// start begins the handshake. The caller holds the lock.
func (s *Session) start(ctx context.Context, r *pay.Request) (uint64, chan *pay.Answer, error) {
	if len(r.Signature) == 0 {
		return 0, nil, errors.New("the first request of a connection must be signed: call Request.Sign")
	}
	var buf [256]byte
	payload, err := wire.AppendRequest(buf[:0], r)
	if err != nil {
		return 0, nil, err
	}
	hs, err := newHandshake(true, staticOf(s.cfg.Vault), s.cfg.Bank[:], s.cfg.Rand)
	if err != nil {
		return 0, nil, err
	}
	frame, _, _, err := hs.WriteMessage(make([]byte, prefixSize, maxHandshake), payload)
	if err != nil {
		return 0, nil, fmt.Errorf("write handshake message 1: %w", err)
	}
	s.started, s.hs = true, hs
	n, answer := s.register()
	go s.read()
	return n, answer, s.write(ctx, frame)
}

// transport sends a request after the handshake. The caller holds the lock.
func (s *Session) transport(ctx context.Context, r *pay.Request) (uint64, chan *pay.Answer, error) {
	var buf [256]byte
	unsigned := pay.Request{Ask: r.Ask, Payment: r.Payment}
	payload, err := wire.AppendRequest(buf[:0], &unsigned)
	if err != nil {
		return 0, nil, err
	}
	frame, err := s.enc.Encrypt(append(s.buf[:0], 0, 0), nil, payload)
	if err != nil {
		return 0, nil, s.fail(err)
	}
	s.buf = frame
	n, answer := s.register()
	return n, answer, s.write(ctx, frame)
}

func (s *Session) register() (uint64, chan *pay.Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, answer := s.next, make(chan *pay.Answer, 1)
	s.next++
	s.waiting[n] = answer
	return n, answer
}

// write sends a frame, for no longer than ctx's deadline. A frame that was not
// written whole ends the session. The caller holds the lock.
func (s *Session) write(ctx context.Context, frame []byte) error {
	frame, err := sealFrame(frame)
	if err != nil {
		return s.fail(err)
	}
	deadline, _ := ctx.Deadline() // zero is none
	if err := s.conn.SetWriteDeadline(deadline); err != nil {
		return s.fail(err)
	}
	if _, err := s.conn.Write(frame); err != nil {
		return s.fail(err)
	}
	return nil
}

// read delivers answers until the session fails.
func (s *Session) read() {
	defer close(s.reader)
	dec, err := s.finishHandshake()
	var buf []byte
	for err == nil {
		var frame []byte
		if frame, err = s.frames.next(0, 0); err != nil {
			break
		}
		if buf, err = dec.Decrypt(buf[:0], nil, frame); err != nil {
			err = violation("an answer does not decrypt: %w", err)
			break
		}
		err = s.deliver(buf)
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("the bank closed the connection")
	}
	_ = s.fail(err)
}

func (s *Session) finishHandshake() (*flynn.CipherState, error) {
	frame, err := s.frames.next(0, 0)
	if err != nil {
		return nil, err
	}
	payload, enc, dec, err := s.hs.ReadMessage(nil, frame)
	if errors.Is(err, vault.ErrLocked) {
		return nil, fmt.Errorf("read handshake message 2: %w", err)
	}
	if err != nil {
		return nil, violation("handshake message 2 is not from the bank we know: %w", err)
	}
	s.enc = enc
	if err := s.deliver(payload); err != nil {
		return nil, err
	}
	close(s.ready)
	s.nextTurn(nil)
	return dec, nil
}

func (s *Session) deliver(payload []byte) error {
	n, a, err := wire.ParseAnswer(payload)
	if err != nil {
		return violation("%w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n >= s.next {
		return violation("an answer to request %d, but only %d were sent", n, s.next)
	}
	if answer := s.waiting[n]; answer != nil {
		delete(s.waiting, n)
		answer <- a
	}
	return nil
}

// fail ends the session and returns why it ended, which is err if this call
// was the first.
func (s *Session) fail(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
		close(s.done)
		s.conn.Close()
	}
	return s.err
}

// Done implements [channel.Channel].
func (s *Session) Done() <-chan struct{} { return s.done }

// Err returns why the session ended, or nil while it has not.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Close implements [channel.Channel]. It closes the connection.
func (s *Session) Close() error {
	_ = s.fail(channel.ErrClosed)
	s.lock <- struct{}{} // a start under way either happens before or finds done
	defer s.release()
	if s.started {
		<-s.reader
	}
	return nil
}
