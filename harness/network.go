package harness

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/onebar/onebar/harness/enum"
)

// Engine opens networks of one kind.
type Engine interface {
	// Name is the engine's name on the command line: "packet" or "toxiproxy".
	Name() string
	// Abilities returns what its networks can do. What a scenario asks for beyond them
	// is refused before a network is opened, see package fault.
	Abilities() Abilities
	// Open builds the network. The caller closes it. The error names what of the
	// config the engine cannot do.
	Open(context.Context, NetworkConfig) (Network, error)
}

// NetworkConfig is what a network is built from.
type NetworkConfig struct {
	Seed     uint64
	Start    time.Time     // the instant of offset 0
	Clients  int           // hosts for payers, numbered from 0
	Topology               // further hosts, and links between hosts
	Profile  Profile       // of every access link until SetProfile
	Toxics   bool          // StreamToxic faults will be injected: put toxiproxy in the way
	Packets  PacketSink    // told of every packet; nil is nobody
	Capture  PacketCapture // shown every packet of the access links; nil is nobody; engines that see byte streams only have none to show

	// Lose is asked about each packet before its link is, which then decides what
	// Lose has left; nil loses none. Only At, Link, Client, Flow, N, Direction, Size,
	// Retransmit and Cross of the packet are known. A reason other than DropNone
	// loses it. It is called with the network locked, so it must not call the
	// network; a goroutine that it wakes may, and on the sim engine does so before
	// the next packet. Engines without CountPackets ignore it.
	Lose func(Packet) DropReason

	Log *slog.Logger // nil discards
}

// Network is hosts and links between pairs of them. A server host and a number of
// client hosts are always there, each client joined to the server by an impaired link
// of its own, its access link: a payer has a phone, and a phone has its own radio
// bearer. Further hosts and links are those of NetworkConfig.Topology. Its methods may
// be called from several goroutines.
type Network interface {
	Hosts
	Links
	// Close ends every connection and listener and frees everything. No
	// goroutine of the network is left when it returns.
	Close() error
}

// Hosts are the machines of a Network, which owns them.
type Hosts interface {
	// Client returns the host of payer i, 0 <= i < NetworkConfig.Clients.
	Client(i int) Host
	// Server returns the host the payment server listens on.
	Server() Host
	// Host returns the host of a name: ServerName, that of ClientName, or one of
	// Topology.Hosts. The error says that there is none.
	Host(name string) (Host, error)
}

// Links are the links of a Network: the access links, which are treated alike, and
// those of its Topology by their names.
type Links interface {
	// SetProfile replaces the profile of every access link from now on. Packets
	// already accepted keep the fate they were given.
	SetProfile(Profile)
	// SetLinkProfile is SetProfile for one link, by its name; the empty name is every
	// access link. With ChooseClients the ClientName of a client is its access link, until
	// the next SetProfile. The error says that there is no such link.
	SetLinkProfile(link string, p Profile) error
	// Inject begins a fault on every access link, or on the one link that Fault.Link
	// names; with ChooseClients also by the ClientName of a client. The returned function ends it and returns how many packets or
	// connections it has hit. It must be called, also for a fault that is over at
	// once, such as Reset, and may be called after Close. A second call does nothing,
	// and returns the same. Faults of the same kind may overlap: a blackhole lasts
	// until the last of them has ended. An error names a fault or a link that the
	// network does not know; after Close every fault is an error.
	Inject(Fault) (end func() (hits int64), err error)
}

// Host is one machine on a Network. It is shaped like package net, so code
// under test needs no change: hand it these two methods in place of a
// net.Dialer's and a net.ListenConfig's.
type Host interface {
	// DialContext connects to an address that a listener gave, of a host that is
	// linked to this one or of this one. Without a link it fails at once.
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
	// Listen announces on an address of the host. Network is "tcp"; address is
	// ":port", and port 0 picks one. The caller closes the listener.
	Listen(ctx context.Context, network, address string) (net.Listener, error)
}

// Tunneler is a Network of an engine with TunnelClients: it can give the link of a client to a machine outside
// this process, whose own TCP then meets the loss.
type Tunneler interface {
	// Tunnel joins the link of payer i to a device that carries one IPv4 packet a
	// Read and a Write, as a TUN device does, in place of the device it was joined to
	// before. The network owns the device from then on, and closes it; its Close must
	// end a Read.
	Tunnel(i int, device io.ReadWriteCloser) (Tunnel, error)
}

// Tunnel is what the machine outside has to be told.
type Tunnel struct {
	Client netip.Addr // its own address
	Server netip.Addr // the only other machine
	MTU    int        // bytes of an IP packet
}

// PacketListener is a Host of an engine with CarryDatagrams: its DialContext takes
// "udp", too.
type PacketListener interface {
	// ListenPacket announces on an address of the host. Network is "udp"; address
	// is ":port", and port 0 picks one. The caller closes the connection.
	ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error)
}

// LinkWatcher is a client's Host of an engine with WatchLinks: it knows the state of
// its access link, as a phone does. All bundled engines have the ability.
type LinkWatcher interface {
	// WatchLink calls up each time the host's access link carries packets again
	// after it had carried none, until stop is called: when the last blackhole in
	// force ends, whichever direction it had; when the host has power again after a
	// Vanish of the client side; and, while the link is up, when a Rebind gives the
	// host a new address.
	//
	// It tells what a radio knows. A Refuse, a Reset, a Vanish or a crash of the
	// server, and a NAT that forgets flows leave the link up, and so does every
	// change of the profile, also one that loses each packet.
	//
	// Up runs on a goroutine of the network or on the one that ends the fault, with
	// parts of the network locked. It must not block, and must not call the network,
	// WatchLink or stop: it may wake a goroutine that does. Calls do not overlap,
	// those for other hosts included, and come in the order of the hosts. On the sim
	// engine each has an instant of its own, so that what it wakes is at rest before
	// the next one. A link that is down again by then is not told of as up.
	//
	// Stop waits for a call under way, so it must not be called with a lock held that
	// up takes. No call begins after it has returned, or after the network has been
	// closed. It may be called more than once.
	WatchLink(up func()) (stop func())
}

// Fault is a network fault to inject. Action is Blackhole, Reset, Refuse,
// StreamToxic, Rebind, Vanish or CrossTraffic.
type Fault struct {
	Action     Action
	Direction  Direction // Blackhole and CrossTraffic; DirectionUnknown is both
	Toxic      *Toxic    // StreamToxic
	NewAddress bool      // Rebind
	Side       Side      // Vanish: whose machines lose their power; SideUnknown is nobody's
	Link       string    // the name of the link it is on; empty is every access link, and of a Vanish those of Side
}

// DropReason says why a packet did not arrive.
type DropReason uint8

// The reasons.
const (
	DropNone    DropReason = iota // it arrived
	DropLoss                      // random loss
	DropOutage                    // a blackhole
	DropQueue                     // the queue before the rate was full
	DropStopped                   // the network was closed while it was under way
	DropMTU                       // it was larger than the path's MTU
	DropNAT                       // its flow had been forgotten by the NAT, or one of its ends had vanished
	DropCut                       // the timeline named it
)

const dropNames enum.Names = "- loss outage queue stopped mtu nat cut"

// String returns the reason, or nothing for a packet that arrived.
func (d DropReason) String() string { return dropNames.Text(uint8(d)) }

// MarshalText implements encoding.TextMarshaler.
func (d DropReason) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *DropReason) UnmarshalText(b []byte) error {
	v, err := dropNames.Parse("drop reason", b)
	*d = DropReason(v)
	return err
}

// LeastTimeout is the least that a retransmission time-out of TCP has beyond the
// round trip: TCP_RTO_MIN in Linux, and the same in package packet. A packet that is
// late by no more than that causes none.
const LeastTimeout = 200 * time.Millisecond

// Packet is what happened to one packet on a link, as measured.
type Packet struct {
	At         time.Duration `json:"at"`                // when it was offered to the link
	Client     int           `json:"client"`            // which payer's access link; 0 if Link is not empty
	Flow       int           `json:"flow"`              // which connection on that link, from 1 in order of first appearance
	N          int64         `json:"n,omitempty"`       // its place among the packets offered to that link in that direction, from 1
	Direction  Direction     `json:"dir"`               //
	Size       int           `json:"size"`              // bytes with IP and TCP headers; payload only in the toxiproxy engine
	Delay      time.Duration `json:"delay,omitempty"`   // from At to its arrival by the clock, if it arrived
	Late       time.Duration `json:"late,omitempty"`    // how much of Delay nobody asked for: the machine was busy
	Drop       DropReason    `json:"drop,omitempty"`    //
	Retransmit bool          `json:"rtx,omitempty"`     // the sender had sent this data (or SYN, or FIN) before
	Copy       bool          `json:"copy,omitempty"`    // the link made it of the packet with the same N
	Corrupt    bool          `json:"corrupt,omitempty"` // it arrived with a flipped bit
	Cross      bool          `json:"cross,omitempty"`   // it belongs to cross traffic, not to a payment
	Link       string        `json:"link,omitempty"`    // the name of a link that is no access link; its Up is from Link.Near to Link.Far
}

// PacketSink is told of packets. Packet may be called from several goroutines
// at once, must not block, and is called once per packet, when its fate is
// known: at its arrival or its loss.
type PacketSink interface {
	Packet(Packet)
}

// PacketCapture is shown packets as they are on the wire.
type PacketCapture interface {
	// Capture is called for every packet offered to an access link, before anything can
	// happen to it: at is the Packet's At, client and dir the link's. The packet
	// begins with its IP header; it is only lent for the call. Calls for one link
	// come one after the other, in the order of At; those for several links may
	// overlap.
	Capture(at time.Duration, client int, dir Direction, packet []byte)
}
