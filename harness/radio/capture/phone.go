// Package capture computes the radio states and joules of a packet capture from a
// phone. [Analyse] reads the capture, tells the phone's packets from those of its
// peers, and runs a radio model over them. The [Report] has a table for people and a
// JSON form for programs.
package capture

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/pcap"
	"github.com/onebar/onebar/harness/radio"
)

// phone tells which packets of a capture the phone sent.
type phone struct {
	asked []netip.Prefix // given by the user; these take precedence
	found []netip.Addr   // deduced: the hosts that opened the connections
}

type packets struct {
	all, up int64
	leftOut int64 // not the phone's, or not IP
	length  time.Duration
	how     string // how the phone was identified
}

// backwards is by how much the timestamp of a packet may be earlier than that of the
// packet before it: captures on several processors are out of order by milliseconds.
const backwards = time.Second

// read calls each with the packets of the capture at path, in the order of the file
// and with times since its first packet. Errors name the file and the byte.
func read(path, uplink string, each func(radio.Packet)) (packets, error) {
	var t packets
	ph, err := findPhone(path, uplink)
	if err != nil {
		return t, err
	}
	start, last := time.Duration(-1), time.Duration(0)
	err = scan(path, func(p pcap.Packet) error {
		if !p.Timed {
			return fmt.Errorf("byte %d: a packet without a time (a simple packet block): capture with tcpdump or dumpcap", p.Offset)
		}
		if start < 0 {
			start, last = p.Time, p.Time
		}
		if last-p.Time > backwards {
			return fmt.Errorf("byte %d: a packet is stamped %v before the one ahead of it: sort the capture, such as with reordercap", p.Offset, last-p.Time)
		}
		last = p.Time
		t.length = max(t.length, p.Time-start)
		f := p.Decode()
		way, err := ph.way(p, f)
		if err != nil {
			return err
		}
		if way == harness.DirectionUnknown {
			t.leftOut++
			return nil
		}
		t.all++
		if way == harness.Up {
			t.up++
		}
		each(radio.Packet{At: max(p.Time-start, 0), Size: f.Length, Direction: way})
		return nil
	})
	if err != nil {
		return t, err
	}
	if t.all == 0 {
		return t, fmt.Errorf("read %s: none of its %d packets is the phone's: is --uplink right?", path, t.leftOut)
	}
	t.how = ph.how()
	return t, nil
}

// scan calls each with every packet of the capture at path until it returns an
// error.
func scan(path string, each func(pcap.Packet) error) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read capture: %w", err)
	}
	defer file.Close()
	r, err := pcap.NewReader(file)
	for err == nil {
		var p pcap.Packet
		if p, err = r.Next(); err == nil {
			err = each(p)
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, errEnough) {
		return nil
	}
	return fmt.Errorf("read %s: %w", path, err)
}

// errEnough ends a scan early.
var errEnough = errors.New("enough")

// scanned is how many packets are looked at to find the phone.
const scanned = 10_000

// findPhone reads --uplink, or the beginning of the capture.
func findPhone(path, uplink string) (phone, error) {
	if uplink != "" {
		prefix, err := parseUplink(uplink)
		return phone{asked: []netip.Prefix{prefix}}, err
	}
	opened, seen := map[netip.Addr]bool{}, map[netip.Addr]bool{}
	var ph phone
	n, untold := 0, false
	err := scan(path, func(p pcap.Packet) error {
		if n++; n > scanned {
			return errEnough
		}
		f := p.Decode()
		if !f.IP() || f.Sent != pcap.SentUnknown {
			return nil
		}
		untold = true
		seen[f.Src], seen[f.Dst] = true, true
		if f.Opens {
			opened[f.Dst] = true
			if !slices.Contains(ph.found, f.Src) {
				ph.found = append(ph.found, f.Src)
			}
		}
		return nil
	})
	if err != nil {
		return phone{}, err
	}
	both := slices.ContainsFunc(ph.found, func(a netip.Addr) bool { return opened[a] })
	if untold && (len(ph.found) == 0 || both) {
		return phone{}, fmt.Errorf("read %s: cannot tell which side is the phone (%s): name its address with --uplink ADDR", path, some(seen))
	}
	slices.SortFunc(ph.found, netip.Addr.Compare)
	return ph, nil
}

func parseUplink(text string) (netip.Prefix, error) {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return prefix.Masked(), nil
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("--uplink %q is no address; expected one such as 10.0.0.2, or 10.0.0.0/8 for several", text)
	}
	return netip.PrefixFrom(addr, addr.BitLen()), nil
}

// some lists addresses for a message.
func some(seen map[netip.Addr]bool) string {
	const most = 4
	var list []string
	for a := range seen {
		list = append(list, a.String())
	}
	slices.Sort(list)
	if len(list) > most {
		list = append(list[:most], "and others")
	}
	return strings.Join(list, ", ")
}

// way returns the direction of a packet, and unknown for one to leave out.
func (ph phone) way(p pcap.Packet, f pcap.Frame) (harness.Direction, error) {
	if !f.IP() {
		return harness.DirectionUnknown, nil
	}
	if len(ph.asked) == 0 {
		switch f.Sent {
		case pcap.SentByUs:
			return harness.Up, nil
		case pcap.SentToUs:
			return harness.Down, nil
		case pcap.SentByOther:
			return harness.DirectionUnknown, nil
		case pcap.SentUnknown:
		}
	}
	switch {
	case ph.is(f.Src):
		return harness.Up, nil
	case ph.is(f.Dst), f.Dst.IsMulticast(), f.Dst == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return harness.Down, nil
	case len(ph.asked) > 0:
		return harness.DirectionUnknown, nil
	}
	return harness.DirectionUnknown, fmt.Errorf("byte %d: a packet from %s to %s, neither of which is the phone as far as can be told: name its address with --uplink ADDR", p.Offset, f.Src, f.Dst)
}

func (ph phone) is(a netip.Addr) bool {
	return slices.Contains(ph.found, a) || slices.ContainsFunc(ph.asked, func(p netip.Prefix) bool { return p.Contains(a) })
}

// how says how the phone was found.
func (ph phone) how() string {
	switch {
	case len(ph.asked) > 0:
		return ph.asked[0].String() + ", as asked"
	case len(ph.found) == 0:
		return "the capturing machine, by the packet types of its Linux cooked frames"
	}
	var list []string
	for _, a := range ph.found {
		list = append(list, a.String())
	}
	return strings.Join(list, ", ") + ", which opened the conversations"
}
