package packet

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"time"
)

// row is one line of the calibration table: what each of clients does at the
// same time as the others, on its own link of 300 ms there and back.
type row struct {
	name    string
	loss    float64
	rate    int64 // bit/s, 0 is none
	clients int
	// play returns how long each exchange took. A client that fails returns what
	// it has.
	play func(p *player) ([]time.Duration, error)
}

// player is one client of a row.
type player struct {
	bench
	address string
	client  int
	rounds  int
	restore time.Time // when the outage ends, if there is one
}

const (
	rowDelay   = 150 * time.Millisecond // each way
	rowMessage = 200                    // bytes of request and of answer
	rowBulk    = 1_000_000              // bytes
	rowOutage  = 15 * time.Second
)

func (p *player) connect() (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	c, err := p.dial(ctx, p.client, p.address)
	if err == nil {
		err = c.SetDeadline(time.Now().Add(30 * time.Minute))
	}
	return c, err
}

// ask is one exchange.
func ask(c net.Conn) (time.Duration, error) {
	begin := time.Now()
	message := make([]byte, rowMessage)
	if _, err := c.Write(message); err != nil {
		return 0, err
	}
	_, err := io.ReadFull(c, message)
	return time.Since(begin), err
}

// persistent exchanges over one connection.
func persistent(p *player) (took []time.Duration, err error) {
	c, err := p.connect()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	for range p.rounds {
		t, err := ask(c)
		if err != nil {
			return took, err
		}
		took = append(took, t)
	}
	return took, nil
}

// anew connects for each exchange, which counts.
func anew(p *player) (took []time.Duration, err error) {
	for range p.rounds {
		begin := time.Now()
		c, err := p.connect()
		if err != nil {
			return took, err
		}
		_, err = ask(c)
		c.Close()
		if err != nil {
			return took, err
		}
		took = append(took, time.Since(begin))
	}
	return took, nil
}

// resume has a request in flight during an outage; what counts is how long after
// its end the answer comes. The first client asks when the outage begins, the
// last when two thirds of it are over, so that all phases of a backed-off timer
// are met.
func resume(p *player) ([]time.Duration, error) {
	c, err := p.connect()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	for range 10 {
		if _, err := ask(c); err != nil {
			return nil, err
		}
	}
	begin := p.restore.Add(-rowOutage).Add(rowOutage * 2 / 3 * time.Duration(p.client) / 200)
	time.Sleep(time.Until(begin))
	if _, err := ask(c); err != nil {
		return nil, err
	}
	return []time.Duration{time.Since(p.restore)}, nil
}

// bulk uploads to a server that reads to the end.
func bulk(p *player) ([]time.Duration, error) {
	c, err := p.connect()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	begin := time.Now()
	if _, err := c.Write(make([]byte, rowBulk)); err != nil {
		return nil, err
	}
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, c); err != nil {
		return nil, err
	}
	return []time.Duration{time.Since(begin)}, nil
}

// pauses exchanges with pauses of up to a second: what counts is the packets.
func pauses(p *player) (took []time.Duration, err error) {
	c, err := p.connect()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	r := rand.New(rand.NewPCG(uint64(p.client), 0))
	for range p.rounds {
		t, err := ask(c)
		if err != nil {
			return took, err
		}
		took = append(took, t)
		time.Sleep(time.Duration(r.Int64N(int64(time.Second))))
	}
	return took, nil
}

// chunky exchanges 20 kB at a time over one connection.
func chunky(p *player) (took []time.Duration, err error) {
	c, err := p.connect()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	message := make([]byte, 20_000)
	for range p.rounds {
		begin := time.Now()
		if _, err := c.Write(message); err != nil {
			return took, err
		}
		if _, err := io.ReadFull(c, message); err != nil {
			return took, err
		}
		took = append(took, time.Since(begin))
	}
	return took, nil
}

// rows are those of design section 9, and some between.
func rows() []row {
	return []row{
		{"persistent", 0.01, 0, 200, persistent},
		{"persistent", 0.05, 0, 200, persistent},
		{"persistent", 0.2, 0, 200, persistent},
		{"anew", 0.01, 0, 200, anew},
		{"anew", 0.05, 0, 200, anew},
		{"anew", 0.2, 0, 200, anew},
		{"outage", 0, 0, 200, resume},
		{"bulk", 0, 0, 10, bulk},
		{"bulk", 0.01, 0, 40, bulk},
		{"bulk", 0.05, 0, 40, bulk},
		{"slow", 0, 100_000, 20, chunky},
		{"slow", 0.02, 100_000, 40, chunky},
		{"pauses", 0, 0, 20, pauses},
	}
}
