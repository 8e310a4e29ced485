package bench

import (
	"sync"

	"github.com/onebar/onebar/harness"
)

// Log keeps the packets it is told of. The zero Log is empty.
type Log struct {
	mu      sync.Mutex
	packets []harness.Packet
}

// Packet implements harness.PacketSink.
func (l *Log) Packet(p harness.Packet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.packets = append(l.packets, p)
}

// All returns the packets that match, in the order in which they were told of.
func (l *Log) All(match func(harness.Packet) bool) (list []harness.Packet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.packets {
		if match(p) {
			list = append(list, p)
		}
	}
	return list
}

// Take returns the packets so far, and forgets them.
func (l *Log) Take() []harness.Packet {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.packets
	l.packets = nil
	return taken
}

// Len is how many packets there are.
func (l *Log) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.packets)
}

// Count is how many packets match.
func (l *Log) Count(match func(harness.Packet) bool) int { return len(l.All(match)) }

// Any matches every packet.
func Any(harness.Packet) bool { return true }

// Retransmitted matches a packet with data that was sent before.
func Retransmitted(p harness.Packet) bool { return p.Retransmit }

// Dir matches the packets of a direction.
func Dir(d harness.Direction) func(harness.Packet) bool {
	return func(p harness.Packet) bool { return p.Direction == d }
}
