package access

import (
	"time"

	"github.com/onebar/onebar/harness"
)

// The timing of cross traffic.
const (
	CrossStall = 30 * time.Second // without progress for so long, a transfer ends
	CrossPause = time.Second      // after its end, it begins again
)

// The ports of the far end of a link that cross traffic goes to and comes from, named for
// what is there: RFC 863 and RFC 864.
const (
	discardPort = 9
	chargenPort = 19
)

// Bulk is what an end of cross traffic does, in place of an application.
type Bulk uint8

// NoBulk is an end of another connection.
const (
	NoBulk Bulk = iota
	Fill        // send without end
	Drain       // throw away what comes
)

// Transfers is what the near end of a link does for cross traffic in direction d, or both
// ways if it is unknown: each of them over a connection of its own, dialed to Port.
func Transfers(d harness.Direction) (list []Bulk) {
	if d != harness.Up {
		list = append(list, Drain)
	}
	if d != harness.Down {
		list = append(list, Fill)
	}
	return list
}

// Port is the port of the far end that a near end dials.
func (b Bulk) Port() uint16 {
	if b == Drain {
		return chargenPort
	}
	return discardPort
}

// FarEnd is what the far end does on one of its ports, NoBulk on any but the two.
func FarEnd(port uint16) Bulk {
	switch port {
	case discardPort:
		return Drain
	case chargenPort:
		return Fill
	default:
		return NoBulk
	}
}
