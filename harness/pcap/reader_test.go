package pcap_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness/pcap"
)

// udp returns an IPv4 packet with a UDP header and n bytes behind it.
func udp(src, dst string, from, to uint16, n int) []byte {
	b := make([]byte, 28+n)
	b[0], b[9] = 0x45, 17
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	copy(b[12:], netip.MustParseAddr(src).AsSlice())
	copy(b[16:], netip.MustParseAddr(dst).AsSlice())
	binary.BigEndian.PutUint16(b[20:], from)
	binary.BigEndian.PutUint16(b[22:], to)
	return b
}

// tcp6 returns an IPv6 packet with a TCP header that has the flags.
func tcp6(src, dst string, flags byte) []byte {
	b := make([]byte, 60)
	b[0], b[6], b[40+13] = 0x60, 6, flags
	binary.BigEndian.PutUint16(b[4:], 20)
	copy(b[8:], netip.MustParseAddr(src).AsSlice())
	copy(b[24:], netip.MustParseAddr(dst).AsSlice())
	return b
}

// classic writes a capture of one packet.
func classic(order binary.AppendByteOrder, magic uint32, link uint32, seconds, fraction uint32, data []byte) []byte {
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint16(b, 2)
	b = order.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...)
	b = order.AppendUint32(b, 65535)
	b = order.AppendUint32(b, link)
	for _, v := range []uint32{seconds, fraction, uint32(len(data)), uint32(len(data))} {
		b = order.AppendUint32(b, v)
	}
	return append(b, data...)
}

// block writes a pcapng block.
func block(order binary.AppendByteOrder, kind uint32, body []byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	b := order.AppendUint32(nil, kind)
	b = order.AppendUint32(b, uint32(len(body)+12))
	b = append(b, body...)
	return order.AppendUint32(b, uint32(len(body)+12))
}

func section(order binary.AppendByteOrder) []byte {
	body := order.AppendUint32(nil, 0x1a2b3c4d)
	body = order.AppendUint16(body, 1)
	body = order.AppendUint16(body, 0)
	return block(order, 0x0a0d0d0a, append(body, bytes.Repeat([]byte{0xff}, 8)...))
}

func describe(order binary.AppendByteOrder, link uint16, snap uint32, options ...byte) []byte {
	body := order.AppendUint16(nil, link)
	body = order.AppendUint16(body, 0)
	body = order.AppendUint32(body, snap)
	return block(order, 1, append(body, options...))
}

func enhanced(order binary.AppendByteOrder, id uint32, ticks uint64, data []byte) []byte {
	body := order.AppendUint32(nil, id)
	body = order.AppendUint32(body, uint32(ticks>>32))
	body = order.AppendUint32(body, uint32(ticks))
	body = order.AppendUint32(body, uint32(len(data)))
	body = order.AppendUint32(body, uint32(len(data)))
	return block(order, 6, append(body, data...))
}

func option(order binary.AppendByteOrder, code uint16, v ...byte) []byte {
	b := order.AppendUint16(nil, code)
	b = order.AppendUint16(b, uint16(len(v)))
	b = append(b, v...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// read returns all packets of a capture, with their data copied.
func read(file []byte) ([]pcap.Packet, error) {
	r, err := pcap.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	var all []pcap.Packet
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		p.Data = bytes.Clone(p.Data)
		all = append(all, p)
	}
}

func TestClassic(t *testing.T) {
	data := udp("10.0.0.2", "192.0.2.1", 4000, 53, 3)
	for name, tc := range map[string]struct {
		order binary.AppendByteOrder
		magic uint32
		want  time.Duration
	}{
		"little-endian microseconds": {binary.LittleEndian, 0xa1b2c3d4, 7*time.Second + 999*time.Microsecond},
		"big-endian microseconds":    {binary.BigEndian, 0xa1b2c3d4, 7*time.Second + 999*time.Microsecond},
		"little-endian nanoseconds":  {binary.LittleEndian, 0xa1b23c4d, 7*time.Second + 999},
		"big-endian nanoseconds":     {binary.BigEndian, 0xa1b23c4d, 7*time.Second + 999},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := read(classic(tc.order, tc.magic, 101, 7, 999, data))
			require.NoError(t, err)
			require.Equal(t, []pcap.Packet{{Time: tc.want, Timed: true, LinkType: pcap.Raw, Wire: len(data), Data: data, Offset: 24}}, got)
		})
	}
}

func TestNG(t *testing.T) {
	a, b := udp("10.0.0.2", "192.0.2.1", 4000, 53, 2), tcp6("2001:db8::2", "2001:db8::1", 2)
	for name, order := range map[string]binary.AppendByteOrder{"little-endian": binary.LittleEndian, "big-endian": binary.BigEndian} {
		t.Run(name, func(t *testing.T) {
			nanoseconds := option(order, 9, 9)
			binaryTicks := append(option(order, 2, []byte("wlan0")...), option(order, 9, 0x80|10)...)
			binaryTicks = append(binaryTicks, option(order, 14, 0, 0, 0, 0, 0, 0, 0, 0)...)
			file := bytes.Join([][]byte{
				section(order),
				describe(order, 101, 0), // microseconds by default
				describe(order, 229, 0, nanoseconds...),
				describe(order, 101, 30, binaryTicks...),
				block(order, 5, make([]byte, 20)), // interface statistics are passed over
				enhanced(order, 0, 3_000_001, a),
				enhanced(order, 1, 3_000_001, b),
				enhanced(order, 2, 3<<10+512, a),
				block(order, 3, append(order.AppendUint32(nil, uint32(len(a))), a...)),
				section(binary.LittleEndian), // a second section has interfaces of its own
				describe(binary.LittleEndian, 101, 0),
				enhanced(binary.LittleEndian, 0, 5, a),
			}, nil)
			got, err := read(file)
			require.NoError(t, err)
			require.Len(t, got, 5)
			for i, want := range []time.Duration{3*time.Second + time.Microsecond, 3_000_001, 3500 * time.Millisecond, 0, 5 * time.Microsecond} {
				require.Equal(t, want, got[i].Time, "packet %d", i)
				require.Equal(t, i != 3, got[i].Timed)
			}
			require.Equal(t, pcap.IPv6, got[1].LinkType)
			require.Equal(t, b, got[1].Data)
			require.Equal(t, len(a), got[3].Wire)
			require.Equal(t, a, got[3].Data)
		})
	}
}

func TestTimeOffset(t *testing.T) {
	order := binary.LittleEndian
	later := order.AppendUint64(nil, 100)
	file := append(section(order), describe(order, 101, 0, option(order, 14, later...)...)...)
	got, err := read(append(file, enhanced(order, 0, 1_000_000, []byte{0x45})...))
	require.NoError(t, err)
	require.Equal(t, 101*time.Second, got[0].Time)
}

func TestBadCapturesSayWhere(t *testing.T) {
	order := binary.LittleEndian
	one := classic(order, 0xa1b2c3d4, 101, 1, 0, make([]byte, 40))
	poke := func(file []byte, at int, v uint32) []byte {
		file = bytes.Clone(file)
		order.PutUint32(file[at:], v)
		return file
	}
	ng := append(section(order), describe(order, 101, 0)...)
	withPacket := append(bytes.Clone(ng), enhanced(order, 0, 1, make([]byte, 40))...)
	at := len(ng)
	for name, tc := range map[string]struct {
		file []byte
		want string
	}{
		"empty":                    {nil, "byte 0: the file is empty or too short for a capture"},
		"text":                     {[]byte("hello world"), "byte 0: begins with 68656c6c: neither pcap nor pcapng"},
		"cut in its head":          {one[:20], "byte 0: the file ends inside its header"},
		"cut in a packet's head":   {one[:30], "byte 24: the file ends inside the header of a packet: the capture was cut"},
		"cut in a packet":          {one[:70], "byte 24: the file ends inside a packet of 40 bytes: the capture was cut"},
		"version":                  {poke(one, 4, 3), "byte 0: pcap version 3; only version 2 is known"},
		"link type":                {poke(one, 20, 147), "byte 0: link type 147 is not known; expected Ethernet (1), raw IP"},
		"absurd captured length":   {poke(one, 32, 1<<30), "byte 24: a packet with 1073741824 bytes captured; at most 262144 are possible"},
		"absurd wire length":       {poke(one, 36, 1<<30), "byte 24: a packet of 1073741824 bytes on the wire"},
		"more captured than sent":  {poke(one, 36, 39), "byte 24: a packet with 40 bytes captured of 39 on the wire"},
		"a second of microseconds": {poke(one, 28, 1_000_000), "byte 24: a packet has the time 1 s and 1000000 fractions of a second"},

		"ng: cut in a section header": {ng[:12], "byte 0: the file ends inside a section header"},
		"ng: byte order mark":         {poke(ng, 8, 7), "byte 0: a section header with the byte order mark 07000000"},
		"ng: version":                 {poke(ng, 12, 2), "byte 0: pcapng version 2; only version 1 is known"},
		"ng: section length":          {poke(ng, 4, 8), "byte 0: a section header that is 8 bytes long"},
		"ng: lengths differ":          {poke(ng, len(ng)-4, 24), "a block of 20 bytes ends with the length 24"},
		"ng: odd block length":        {poke(withPacket, at+4, 73), fmt.Sprintf("byte %d: a block of type 6 that is 73 bytes long", at)},
		"ng: cut in a block's head":   {withPacket[:at+6], fmt.Sprintf("byte %d: the file ends inside the header of a block", at)},
		"ng: cut in a packet":         {withPacket[:at+50], fmt.Sprintf("byte %d: the file ends inside a block of 72 bytes", at)},
		"ng: absurd captured length":  {poke(withPacket, at+20, 1<<30), fmt.Sprintf("byte %d: a packet with 1073741824 bytes captured", at)},
		"ng: data beyond its block":   {poke(poke(withPacket, at+20, 60), at+24, 60), fmt.Sprintf("byte %d: a packet with 60 bytes captured in a block of 72", at)},
		"ng: no such interface":       {poke(withPacket, at+8, 3), fmt.Sprintf("byte %d: a packet of interface 3; 1 were described before it", at)},
		"ng: time beyond 2262":        {poke(withPacket, at+12, 1<<31), fmt.Sprintf("byte %d: a packet with a time of", at)},
		"ng: link type of a packet":   {append(append(section(order), describe(order, 147, 0)...), enhanced(order, 0, 1, make([]byte, 40))...), fmt.Sprintf("byte %d: link type 147 is not known", at)},
		"ng: resolution":              {append(section(order), describe(order, 101, 0, option(order, 9, 40)...)...), "byte 28: a time resolution of 10^-40 s"},
		"ng: option beyond its block": {append(section(order), describe(order, 101, 0, 9, 0, 60, 0)...), "byte 28: an option of 60 bytes does not fit"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(tc.file)
			require.ErrorContains(t, err, tc.want)
			var where *pcap.Error
			require.ErrorAs(t, err, &where)
		})
	}
}

type brokenDisk struct{}

var errDisk = errors.New("input/output error")

func (brokenDisk) Read([]byte) (int, error) { return 0, errDisk }

func TestReadErrorsAreKept(t *testing.T) {
	_, err := pcap.NewReader(brokenDisk{})
	require.ErrorIs(t, err, errDisk)
	one := classic(binary.LittleEndian, 0xa1b2c3d4, 101, 1, 0, make([]byte, 40))
	r, err := pcap.NewReader(io.MultiReader(bytes.NewReader(one[:50]), brokenDisk{}))
	require.NoError(t, err)
	_, err = r.Next()
	require.ErrorIs(t, err, errDisk)
}

func TestDecode(t *testing.T) {
	query, answer := udp("10.0.0.2", "192.0.2.1", 4000, 53, 5), udp("192.0.2.1", "10.0.0.2", 53, 4000, 5)
	syn, synAck := tcp6("2001:db8::2", "2001:db8::1", 2), tcp6("2001:db8::1", "2001:db8::2", 0x12)
	ether := func(kind ...byte) []byte { return append(make([]byte, 12), kind...) }
	sll := func(packetType byte, kind ...byte) []byte {
		return append(append([]byte{0, packetType}, make([]byte, 12)...), kind...)
	}
	sll2 := func(packetType byte, kind ...byte) []byte {
		return append(append(append(kind, make([]byte, 8)...), packetType), make([]byte, 9)...)
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for name, tc := range map[string]struct {
		link   pcap.LinkType
		data   []byte
		wire   int
		length int
		ip     bool
		sent   pcap.Sent
		opens  bool
	}{
		"raw IPv4":            {pcap.Raw, query, 33, 33, true, pcap.SentUnknown, true},
		"raw IPv4, answer":    {pcap.RawBSD, answer, 33, 33, true, pcap.SentUnknown, false},
		"raw IPv6, SYN":       {pcap.RawOpenBSD, syn, 60, 60, true, pcap.SentUnknown, true},
		"IPv6, SYN and ACK":   {pcap.IPv6, synAck, 60, 60, true, pcap.SentUnknown, false},
		"IPv4 only":           {pcap.IPv4, query, 33, 33, true, pcap.SentUnknown, true},
		"Ethernet, padded":    {pcap.Ethernet, join(ether(8, 0), query, make([]byte, 13)), 60, 33, true, pcap.SentUnknown, true},
		"Ethernet, VLAN":      {pcap.Ethernet, join(ether(0x81, 0, 0, 7, 8, 0), query), 51, 33, true, pcap.SentUnknown, true},
		"Ethernet, two tags":  {pcap.Ethernet, join(ether(0x88, 0xa8, 0, 7, 0x81, 0, 0, 8, 0x86, 0xdd), syn), 82, 60, true, pcap.SentUnknown, true},
		"Ethernet, ARP":       {pcap.Ethernet, join(ether(8, 6), make([]byte, 46)), 60, 46, false, pcap.SentUnknown, false},
		"cooked, sent":        {pcap.LinuxCooked, join(sll(4, 8, 0), query), 49, 33, true, pcap.SentByUs, true},
		"cooked, got":         {pcap.LinuxCooked, join(sll(0, 8, 0), answer), 49, 33, true, pcap.SentToUs, false},
		"cooked, by others":   {pcap.LinuxCooked, join(sll(3, 8, 0), answer), 49, 33, true, pcap.SentByOther, false},
		"cooked 2, sent":      {pcap.LinuxCooked2, join(sll2(4, 0x86, 0xdd), syn), 80, 60, true, pcap.SentByUs, true},
		"cooked 2, broadcast": {pcap.LinuxCooked2, join(sll2(1, 8, 0), answer), 53, 33, true, pcap.SentToUs, false},
		"loopback":            {pcap.Null, join([]byte{2, 0, 0, 0}, query), 37, 33, true, pcap.SentUnknown, true},
		"cut in the IP head":  {pcap.Raw, query[:12], 33, 33, false, pcap.SentUnknown, false},
		"cut before ports":    {pcap.Raw, query[:21], 33, 33, true, pcap.SentUnknown, false},
		"offloaded, length 0": {pcap.Raw, join([]byte{0x45, 0, 0, 0}, query[4:]), 3000, 3000, true, pcap.SentUnknown, true},
		"nothing at all":      {pcap.Ethernet, nil, 0, 0, false, pcap.SentUnknown, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := pcap.Packet{LinkType: tc.link, Wire: tc.wire, Data: tc.data}.Decode()
			require.Equal(t, tc.length, f.Length)
			require.Equal(t, tc.ip, f.IP())
			require.Equal(t, tc.sent, f.Sent)
			require.Equal(t, tc.opens, f.Opens)
		})
	}
	f := pcap.Packet{LinkType: pcap.Raw, Wire: 33, Data: query}.Decode()
	require.Equal(t, netip.MustParseAddr("10.0.0.2"), f.Src)
	require.Equal(t, netip.MustParseAddr("192.0.2.1"), f.Dst)
	later := bytes.Clone(query)
	later[7] = 1 // a later fragment has no ports
	require.False(t, pcap.Packet{LinkType: pcap.Raw, Wire: 33, Data: later}.Decode().Opens)
}

// What is written is read again, to the nanosecond.
func TestPropertyWriteRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var file bytes.Buffer
		w, err := pcap.NewWriter(&file)
		require.NoError(t, err)
		var want []pcap.Packet
		for range rapid.IntRange(0, 20).Draw(t, "packets") {
			data := rapid.SliceOfN(rapid.Byte(), 0, 1500).Draw(t, "data")
			p := pcap.Packet{
				Time:  time.Duration(rapid.Int64Range(0, 1<<32*1e9-1).Draw(t, "time")),
				Timed: true, LinkType: pcap.Raw, Data: data,
				Wire: len(data) + rapid.IntRange(0, 9000).Draw(t, "cut"), Offset: int64(file.Len()),
			}
			require.NoError(t, w.Write(time.Unix(0, int64(p.Time)), p.Data, p.Wire))
			want = append(want, p)
		}
		got, err := read(file.Bytes())
		require.NoError(t, err)
		require.Len(t, got, len(want))
		for i := range want {
			require.Equal(t, want[i].Time, got[i].Time)
			require.Equal(t, want[i].Wire, got[i].Wire)
			require.Equal(t, want[i].Offset, got[i].Offset)
			require.True(t, bytes.Equal(want[i].Data, got[i].Data))
		}
	})
}

type fullDisk struct{ room int }

func (d *fullDisk) Write(b []byte) (int, error) {
	if d.room -= len(b); d.room < 0 {
		return 0, errDisk
	}
	return len(b), nil
}

func TestWriterErrors(t *testing.T) {
	_, err := pcap.NewWriter(&fullDisk{})
	require.ErrorIs(t, err, errDisk)
	w, err := pcap.NewWriter(&fullDisk{room: 24})
	require.NoError(t, err)
	require.ErrorIs(t, w.Write(time.Unix(1, 0), nil, 0), errDisk)
	require.ErrorContains(t, w.Write(time.Unix(1, 0), make([]byte, 2), 1), "a packet of 2 bytes with 1 on the wire")
	require.ErrorContains(t, w.Write(time.Unix(-1, 0), nil, 0), "does not fit the format")
}

// FuzzReader holds that no input makes the reader panic, loop or hand out more
// than is in the file.
func FuzzReader(f *testing.F) {
	order := binary.LittleEndian
	data := udp("10.0.0.2", "192.0.2.1", 4000, 53, 3)
	f.Add(classic(order, 0xa1b2c3d4, 101, 1, 2, data))
	f.Add(classic(binary.BigEndian, 0xa1b23c4d, 113, 1, 2, append(make([]byte, 16), data...)))
	ng := append(section(order), describe(order, 1, 0, option(order, 9, 9)...)...)
	f.Add(append(ng, enhanced(order, 0, 1, append(make([]byte, 14), data...))...))
	f.Add(append(append(section(binary.BigEndian), describe(binary.BigEndian, 276, 64)...), block(binary.BigEndian, 3, make([]byte, 44))...))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := pcap.NewReader(bytes.NewReader(file))
		if err != nil {
			return
		}
		last := int64(-1)
		for {
			p, err := r.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				var where *pcap.Error
				require.ErrorAs(t, err, &where)
				require.LessOrEqual(t, where.Offset, int64(len(file)))
				return
			}
			require.Greater(t, p.Offset, last, "each packet lies beyond the one before")
			require.LessOrEqual(t, p.Offset+int64(len(p.Data)), int64(len(file)))
			require.GreaterOrEqual(t, p.Wire, len(p.Data))
			frame := p.Decode()
			require.LessOrEqual(t, frame.Length, p.Wire)
			require.GreaterOrEqual(t, frame.Length, 0)
			last = p.Offset
		}
	})
}

func BenchmarkReader(b *testing.B) {
	var file bytes.Buffer
	w, err := pcap.NewWriter(&file)
	require.NoError(b, err)
	data := udp("10.0.0.2", "192.0.2.1", 4000, 53, 200)
	const packets = 10_000
	for i := range packets {
		require.NoError(b, w.Write(time.Unix(int64(i), 0), data, len(data)))
	}
	b.ReportAllocs()
	b.SetBytes(int64(file.Len()))
	for b.Loop() {
		r, err := pcap.NewReader(bytes.NewReader(file.Bytes()))
		require.NoError(b, err)
		for {
			p, err := r.Next()
			if err != nil {
				break
			}
			_ = p.Decode()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*packets), "ns/packet")
}
