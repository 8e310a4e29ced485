package packet

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/link"
	"github.com/onebar/onebar/harness/packet/timerqueue"
)

// kernel is a bench whose TCP is Linux's: two network namespaces, one for the
// clients and one for the server, each with a TUN device, and between the
// devices the links of package link. So the same decisions meet both TCPs. It
// needs root.
type kernel struct {
	n              *Network // for its clock and addresses; it has no traffic
	q              *timerqueue.Queue
	client, server space
	reading        sync.WaitGroup

	mu   sync.Mutex
	ways map[link.ID]*kernelWay
	flow map[kernelTuple]*access.Flow
	ids  map[int]uint64 // flows so far of each client
	c    harness.NetworkConfig
	off  bool
}

type kernelTuple struct {
	client int
	access.Tuple
}

type kernelWay struct {
	link *link.Link
	n    int64
}

// space is a network namespace with a TUN device.
type space struct {
	file *os.File // of the namespace
	tun  *os.File
}

// newSpace makes a namespace, and configures it with commands of ip(8).
func newSpace(tb testing.TB, commands ...string) (s space) {
	tb.Helper()
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		if err = unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return
		}
		if s.file, err = os.Open("/proc/thread-self/ns/net"); err != nil {
			return
		}
		if s.tun, err = openTUN(); err != nil {
			return
		}
		// Where IPv6 is missing there is none to turn off.
		_ = os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0)
		for _, c := range append([]string{"link set lo up", "link set tun0 mtu 1500 up"}, commands...) {
			if out, fail := exec.Command("ip", strings.Fields(c)...).CombinedOutput(); fail != nil {
				err = fmt.Errorf("ip %s: %w: %s", c, fail, out)
				return
			}
		}
	}()
	<-done
	if err != nil {
		tb.Skip("needs root, TUN devices and ip(8): ", err)
	}
	return s
}

func openTUN() (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	r, err := unix.NewIfreq("tun0")
	if err == nil {
		r.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, r)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "tun"), nil
}

// enter moves the calling goroutine into the namespace for as long as it lives.
func (s space) enter() error {
	runtime.LockOSThread()
	return unix.Setns(int(s.file.Fd()), unix.CLONE_NEWNET)
}

func newKernel(tb testing.TB, c harness.NetworkConfig) bench {
	tb.Helper()
	k := &kernel{c: c, ways: map[link.ID]*kernelWay{}, flow: map[kernelTuple]*access.Flow{}, ids: map[int]uint64{}}
	k.n = &Network{start: c.Start}
	k.client = newSpace(tb, "route add 10.0.0.0/24 dev tun0", "route add local 10.1.0.0/16 dev lo")
	k.server = newSpace(tb, "addr add 10.0.0.1/32 dev tun0", "route add 10.1.0.0/16 dev tun0")
	var err error
	k.q, err = timerqueue.New(k.n.now)
	require.NoError(tb, err)
	for i := range c.Clients {
		for _, d := range []harness.Direction{harness.Up, harness.Down} {
			id := link.ID{Client: i, Direction: d}
			k.ways[id] = &kernelWay{link: link.New(c.Seed, id, c.Profile.Path(d))}
		}
	}
	k.reading.Go(func() { k.relay(harness.Up, k.client.tun, k.server.tun) })
	k.reading.Go(func() { k.relay(harness.Down, k.server.tun, k.client.tun) })
	return k
}

// relay puts every packet of one device on the link.
func (k *kernel) relay(d harness.Direction, from, to *os.File) {
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		ip := header.IPv4(buffer[:n])
		if ip[0]>>4 != 4 || ip.TransportProtocol() != header.TCPProtocolNumber {
			continue
		}
		k.send(d, append(header.IPv4(nil), ip...), to)
	}
}

// send is hostLink.offer for the packets of the kernel.
func (k *kernel) send(d harness.Direction, ip header.IPv4, to *os.File) {
	k.mu.Lock()
	defer k.mu.Unlock()
	t := header.TCP(ip.Payload())
	tuple := access.Tuple{Near: ip.SourceAddress().As4(), Far: ip.DestinationAddress().As4(), NearPort: t.SourcePort(), FarPort: t.DestinationPort()}
	if d == harness.Down {
		tuple.Near, tuple.Far, tuple.NearPort, tuple.FarPort = tuple.Far, tuple.Near, tuple.FarPort, tuple.NearPort
	}
	client := int(tuple.Near[2])<<8 | int(tuple.Near[3])
	s := access.Segment{
		Flags: access.Flags(t.Flags()), Seq: t.SequenceNumber(), Ack: t.AckNumber(), Payload: len(t) - int(t.DataOffset()),
	}
	key := kernelTuple{client, tuple}
	f := k.flow[key]
	if f == nil || s.Opens() && f.Half(d).Started && f.Half(d).First != s.Seq {
		k.ids[client]++
		f = &access.Flow{Tuple: tuple, ID: k.ids[client]}
		k.flow[key] = f
	}
	w, h, now := k.ways[link.ID{Client: client, Direction: d}], f.Half(d), k.n.now()
	w.n++
	h.Ordinal++
	again := h.Observe(s)
	w.link.Block(k.off)
	fate := w.link.Send(now, link.Key{Flow: f.ID, Ordinal: h.Ordinal}, len(ip))
	report := harness.Packet{
		At: now, Client: client, Flow: int(f.ID), N: w.n, Direction: d, Size: len(ip), Retransmit: again, Drop: fate.Drop,
	}
	if fate.Drop != harness.DropNone {
		k.c.Packets.Packet(report)
		return
	}
	k.q.Push(fate.Arrive, func() {
		now := k.n.now()
		if now < fate.Arrive { // the queue has ended
			return
		}
		report.Delay, report.Late = now-report.At, now-fate.Arrive
		_, _ = to.Write(ip)
		k.c.Packets.Packet(report)
	})
}

// useCUBIC is for net.Dialer and net.ListenConfig.
func useCUBIC(_, _ string, c syscall.RawConn) error {
	var err error
	if fail := c.Control(func(fd uintptr) {
		err = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, "cubic")
	}); fail != nil {
		return fail
	}
	return err
}

func (k *kernel) dial(ctx context.Context, client int, address string) (net.Conn, error) {
	if err := k.client.enter(); err != nil {
		return nil, err
	}
	a := netip.AddrPortFrom(netip.AddrFrom4(access.Client(client)), 0)
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(a), KeepAlive: -1, Control: useCUBIC}
	return d.DialContext(ctx, "tcp4", address)
}

func (k *kernel) listen() (l net.Listener, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err = k.server.enter(); err == nil {
			c := net.ListenConfig{Control: useCUBIC}
			l, err = c.Listen(context.Background(), "tcp4", "10.0.0.1:7")
		}
	}()
	<-done
	return l, err
}

func (k *kernel) block(on bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.off = on
}

func (k *kernel) close() error {
	k.client.tun.Close()
	k.server.tun.Close()
	k.reading.Wait()
	k.q.Close()
	k.client.file.Close()
	return k.server.file.Close()
}

// BenchmarkKernelTCP is what BenchmarkTCP is to be compared with.
func BenchmarkKernelTCP(b *testing.B) { tabulate(b, newKernel) }
