package packet

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"github.com/onebar/onebar/harness/access"
)

const (
	ack = header.TCPFlagAck
	syn = header.TCPFlagSyn
	fin = header.TCPFlagFin
	rst = header.TCPFlagRst
	psh = header.TCPFlagPsh
)

// talk is a connection between a client and a server in the middle of its life.
type talk struct {
	client, server half
	now            time.Duration
}

func newTalk() *talk {
	k := &talk{half{Half: &access.Half{}}, half{Half: &access.Half{}}, time.Second}
	k.client.note(segment{seq: 0, flags: syn}, &k.server, k.now)
	k.server.note(segment{seq: 0, ack: 1, flags: syn | ack}, &k.client, k.now)
	k.client.note(segment{seq: 1, ack: 1, flags: ack}, &k.server, k.now)
	return k
}

// note is what offer does for a segment.
func (h *half) note(s segment, peer *half, now time.Duration) {
	h.noteAck(s, peer, now)
	h.Observe(s.tcp())
}

// request and answer pass data; the sender acknowledges all it has got.
func (k *talk) request(n int) {
	k.client.note(segment{seq: k.client.High, ack: k.server.High, payload: n, flags: ack}, &k.server, k.now)
}

func (k *talk) answer(n int) {
	k.server.note(segment{seq: k.server.High, ack: k.client.High, payload: n, flags: ack}, &k.client, k.now)
}

// ackOf is the acknowledgement the server would send now.
func (k *talk) serverAck() segment {
	return segment{seq: k.server.High, ack: k.client.High, flags: ack, header: 32}
}

// settled is a talk whose server has answered at once a few times.
func settled() *talk {
	k := newTalk()
	for range 1 {
		k.request(100)
		k.server.note(k.serverAck(), &k.client, k.now) // a quick one
		k.answer(100)
	}
	return k
}

func TestDelayedAck(t *testing.T) {
	for name, tc := range map[string]struct {
		setup func() (*talk, segment)
		want  bool
	}{
		"the first data is acknowledged at once": {func() (*talk, segment) {
			k := newTalk()
			k.request(100)
			return k, k.serverAck()
		}, false},
		"one that answers waits for its answer": {func() (*talk, segment) {
			k := settled()
			k.request(100)
			return k, k.serverAck()
		}, true},
		"one that answers late does not": {func() (*talk, segment) {
			k := newTalk()
			for range 1 {
				k.request(100)
				k.server.note(k.serverAck(), &k.client, k.now)
				k.now += 2 * access.AckDelay
				k.answer(100)
			}
			k.request(100)
			return k, k.serverAck()
		}, false},
		"one that got something twice does not": {func() (*talk, segment) {
			k := settled()
			k.server.note(k.serverAck(), &k.client, k.now)
			k.request(100)
			return k, k.serverAck()
		}, false},
		"nor forever": {func() (*talk, segment) {
			k := newTalk()
			for range 16 {
				k.request(100)
				k.server.note(k.serverAck(), &k.client, k.now)
			}
			k.request(100)
			return k, k.serverAck()
		}, true},
		"more than a full segment": {func() (*talk, segment) {
			k := settled()
			k.request(1448)
			k.request(100)
			return k, k.serverAck()
		}, false},
		"small segments until there are 536 bytes": {func() (*talk, segment) {
			k := settled()
			k.request(300)
			k.request(236)
			return k, k.serverAck()
		}, true},
		"and more": {func() (*talk, segment) {
			k := settled()
			k.request(300)
			k.request(237)
			return k, k.serverAck()
		}, false},
		"a hole": {func() (*talk, segment) {
			k := settled()
			k.request(100)
			s := k.serverAck()
			s.header = 44 // timestamps and a SACK block
			return k, s
		}, false},
		"a duplicate": {func() (*talk, segment) {
			k := settled()
			return k, k.serverAck()
		}, false},
		"a window update": {func() (*talk, segment) {
			k := settled()
			k.request(100)
			k.server.hold(stack.NewPacketBuffer(stack.PacketBufferOptions{}), k.serverAck(), k.now)
			return k, k.serverAck()
		}, false},
		"a keepalive": {func() (*talk, segment) {
			k := settled()
			k.request(100)
			s := k.serverAck()
			s.seq--
			return k, s
		}, false},
		"data": {func() (*talk, segment) {
			k := settled()
			k.request(100)
			s := k.serverAck()
			s.payload = 1
			return k, s
		}, false},
		"a reset": {func() (*talk, segment) {
			k := settled()
			k.request(100)
			s := k.serverAck()
			s.flags |= rst
			return k, s
		}, false},
		"of a FIN, ours to come": {func() (*talk, segment) {
			k := settled()
			k.client.note(segment{seq: k.client.High, ack: k.server.High, flags: fin | ack}, &k.server, k.now)
			return k, k.serverAck()
		}, true},
		"of a FIN, ours sent": {func() (*talk, segment) {
			k := settled()
			k.server.note(segment{seq: k.server.High, ack: k.client.High, flags: fin | ack}, &k.client, k.now)
			k.client.note(segment{seq: k.client.High, ack: k.server.High, flags: fin | ack}, &k.server, k.now)
			return k, k.serverAck()
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			k, s := tc.setup()
			require.Equal(t, tc.want, k.server.delays(s, &k.client))
		})
	}
}

func TestHoldKeepsTheFirstDeadline(t *testing.T) {
	buffer := func() *stack.PacketBuffer { return stack.NewPacketBuffer(stack.PacketBufferOptions{}) }
	var h half
	h.hold(buffer(), segment{ack: 1}, 0)
	h.hold(buffer(), segment{ack: 2}, 30*time.Millisecond)
	require.Equal(t, access.AckDelay, h.due)
	require.EqualValues(t, 2, h.heldSeg.ack)
	h.release()
	require.Nil(t, h.held)
}
