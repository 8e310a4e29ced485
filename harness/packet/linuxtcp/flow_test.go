package linuxtcp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/packet/segment"
)

// talk is a connection between a client and a server in the middle of its life.
type talk struct {
	client, server half
	now            time.Duration
}

func newTalk() *talk {
	k := &talk{half{Half: &access.Half{}}, half{Half: &access.Half{}}, time.Second}
	k.client.note(segment.Segment{Segment: access.Segment{Seq: 0, Flags: access.Syn}}, &k.server, k.now)
	k.server.note(segment.Segment{Segment: access.Segment{Seq: 0, Ack: 1, Flags: access.Syn | access.Ack}}, &k.client, k.now)
	k.client.note(segment.Segment{Segment: access.Segment{Seq: 1, Ack: 1, Flags: access.Ack}}, &k.server, k.now)
	return k
}

// note is what offer does for a segment.
func (h *half) note(s segment.Segment, peer *half, now time.Duration) {
	h.noteAck(s, peer, now)
	h.Observe(s.Segment)
}

// request and answer pass data; the sender acknowledges all it has got.
func (k *talk) request(n int) {
	k.client.note(segment.Segment{Segment: access.Segment{Seq: k.client.High, Ack: k.server.High, Payload: n, Flags: access.Ack}}, &k.server, k.now)
}

func (k *talk) answer(n int) {
	k.server.note(segment.Segment{Segment: access.Segment{Seq: k.server.High, Ack: k.client.High, Payload: n, Flags: access.Ack}}, &k.client, k.now)
}

// ackOf is the acknowledgement the server would send now.
func (k *talk) serverAck() segment.Segment {
	return segment.Segment{Segment: access.Segment{Seq: k.server.High, Ack: k.client.High, Flags: access.Ack}, Header: 32}
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
		setup func() (*talk, segment.Segment)
		want  bool
	}{
		"the first data is acknowledged at once": {func() (*talk, segment.Segment) {
			k := newTalk()
			k.request(100)
			return k, k.serverAck()
		}, false},
		"one that answers waits for its answer": {func() (*talk, segment.Segment) {
			k := settled()
			k.request(100)
			return k, k.serverAck()
		}, true},
		"one that answers late does not": {func() (*talk, segment.Segment) {
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
		"one that got something twice does not": {func() (*talk, segment.Segment) {
			k := settled()
			k.server.note(k.serverAck(), &k.client, k.now)
			k.request(100)
			return k, k.serverAck()
		}, false},
		"nor forever": {func() (*talk, segment.Segment) {
			k := newTalk()
			for range 16 {
				k.request(100)
				k.server.note(k.serverAck(), &k.client, k.now)
			}
			k.request(100)
			return k, k.serverAck()
		}, true},
		"more than a full segment": {func() (*talk, segment.Segment) {
			k := settled()
			k.request(1448)
			k.request(100)
			return k, k.serverAck()
		}, false},
		"small segments until there are 536 bytes": {func() (*talk, segment.Segment) {
			k := settled()
			k.request(300)
			k.request(236)
			return k, k.serverAck()
		}, true},
		"and more": {func() (*talk, segment.Segment) {
			k := settled()
			k.request(300)
			k.request(237)
			return k, k.serverAck()
		}, false},
		"a hole": {func() (*talk, segment.Segment) {
			k := settled()
			k.request(100)
			s := k.serverAck()
			s.Header = 44 // timestamps and a SACK block
			return k, s
		}, false},
		"a duplicate": {func() (*talk, segment.Segment) {
			k := settled()
			return k, k.serverAck()
		}, false},
		"a window update": {func() (*talk, segment.Segment) {
			k := settled()
			k.request(100)
			k.server.hold(stack.NewPacketBuffer(stack.PacketBufferOptions{}), k.serverAck(), k.now)
			return k, k.serverAck()
		}, false},
		"a keepalive": {func() (*talk, segment.Segment) {
			k := settled()
			k.request(100)
			s := k.serverAck()
			s.Seq--
			return k, s
		}, false},
		"data": {func() (*talk, segment.Segment) {
			k := settled()
			k.request(100)
			s := k.serverAck()
			s.Payload = 1
			return k, s
		}, false},
		"a reset": {func() (*talk, segment.Segment) {
			k := settled()
			k.request(100)
			s := k.serverAck()
			s.Flags |= access.Rst
			return k, s
		}, false},
		"of a FIN, ours to come": {func() (*talk, segment.Segment) {
			k := settled()
			k.client.note(segment.Segment{Segment: access.Segment{Seq: k.client.High, Ack: k.server.High, Flags: access.Fin | access.Ack}}, &k.server, k.now)
			return k, k.serverAck()
		}, true},
		"of a FIN, ours sent": {func() (*talk, segment.Segment) {
			k := settled()
			k.server.note(segment.Segment{Segment: access.Segment{Seq: k.server.High, Ack: k.client.High, Flags: access.Fin | access.Ack}}, &k.client, k.now)
			k.client.note(segment.Segment{Segment: access.Segment{Seq: k.client.High, Ack: k.server.High, Flags: access.Fin | access.Ack}}, &k.server, k.now)
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
	h.hold(buffer(), segment.Segment{Segment: access.Segment{Ack: 1}}, 0)
	h.hold(buffer(), segment.Segment{Segment: access.Segment{Ack: 2}}, 30*time.Millisecond)
	require.Equal(t, access.AckDelay, h.due)
	require.EqualValues(t, 2, h.heldSeg.Ack)
	h.release()
	require.Nil(t, h.held)
}
