package run

import (
	"bufio"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/onebar/onebar/harness/pcap"
)

// PcapFile is the name of the capture in Options.Dir, if Options.Pcap asks for
// one: every packet offered to a link, before anything happens to it.
const PcapFile = "radio.pcap"

// capture writes the packets of a run to a pcap. The first error is kept.
type capture struct {
	start time.Time

	mu  sync.Mutex
	buf *bufio.Writer
	out *pcap.Writer
	err error
}

func newCapture(w io.Writer, start time.Time) (*capture, error) {
	buf := bufio.NewWriterSize(w, 64<<10)
	out, err := pcap.NewWriter(buf)
	return &capture{start: start, buf: buf, out: out}, err
}

func (c *capture) write(at time.Duration, packet []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = c.out.Write(c.start.Add(at), packet, len(packet))
	}
}

// close writes what is left and returns the first error.
func (c *capture) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Join(c.err, c.buf.Flush())
}
