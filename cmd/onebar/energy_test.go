package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/pcap"
	"github.com/onebar/onebar/harness/radio"
	"github.com/onebar/onebar/harness/radio/capture"
)

const energybox = "../../harness/radio/testdata/energybox/"

// call runs a command and returns what it printed.
func call(tb testing.TB, cmd *cobra.Command, args ...string) (string, error) {
	tb.Helper()
	var out bytes.Buffer
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(io.Discard)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err := cmd.ExecuteContext(tb.Context())
	return out.String(), err
}

func TestEnergyOfACapture(t *testing.T) {
	t.Parallel()
	for model, want := range map[string][]string{
		"energybox-3g":       {"IDLE  185.773047", "FACH  120.522532", "DCH   41.615553", "151.5161", "0.3644 % of 3000 mAh"},
		"energybox-wifi":     {"PSM  320.770313", "CAM   17.660819", "14.0383"},
		"videooptimizer-lte": {"LONG_DRX", "out of IDLE", "of all joules"},
		"nb-iot":             {"not confirmed at their source (weak). Not a state machine of anyone"},
		"nr-sa":              {"INACTIVE", "timers only", "total  353.211132  100.0 %       -"},
	} {
		t.Run(model, func(t *testing.T) {
			t.Parallel()
			got, err := call(t, newEnergy(), energybox+"test1.pcap", "--model", model)
			require.NoError(t, err)
			for _, w := range append(want, "177 packets in 338.2 s, 90 up and 87 down", "the capturing machine, by the packet types") {
				require.Contains(t, got, w)
			}
		})
	}
}

func TestEnergyJSON(t *testing.T) {
	t.Parallel()
	got, err := call(t, newEnergy(), energybox+"test1.pcap", "--model", "energybox-3g", "--json")
	require.NoError(t, err)
	var r struct {
		Joules    *float64                    `json:"joules"`
		BytesUp   int64                       `json:"bytes_up"`
		BytesDown int64                       `json:"bytes_down"`
		States    []struct{ Seconds float64 } `json:"states"`
	}
	require.NoError(t, json.Unmarshal([]byte(got), &r))
	require.InDelta(t, 151.5161, *r.Joules, 5e-5)
	require.InDelta(t, 41.615553, r.States[2].Seconds, 1e-6)
	require.EqualValues(t, 18828, r.BytesUp+r.BytesDown)
	got, err = call(t, newEnergy(), energybox+"test1.pcap", "--model", "nr-sa", "--json")
	require.NoError(t, err)
	require.NotContains(t, got, "joules\"")
}

// raw writes a capture of raw IP packets: UDP of 100 bytes from and to the
// addresses, one each second.
func raw(tb testing.TB, pairs ...[2]string) string {
	tb.Helper()
	var file bytes.Buffer
	w, err := pcap.NewWriter(&file)
	require.NoError(tb, err)
	for i, p := range pairs {
		require.NoError(tb, w.Write(time.Unix(int64(i), 0), datagram(p[0], p[1]), 100))
	}
	return save(tb, "raw.pcap", file.Bytes())
}

func save(tb testing.TB, name string, data []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	require.NoError(tb, os.WriteFile(path, data, 0o600))
	return path
}

// datagram returns an IPv4 packet of 100 bytes with UDP in it; addresses are
// written with their ports.
func datagram(from, to string) []byte {
	src, dst := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	b := make([]byte, 100)
	b[0], b[3], b[9] = 0x45, 100, 17
	copy(b[12:], src.Addr().AsSlice())
	copy(b[16:], dst.Addr().AsSlice())
	binary.BigEndian.PutUint16(b[20:], src.Port())
	binary.BigEndian.PutUint16(b[22:], dst.Port())
	return b
}

func TestWhichSideIsThePhone(t *testing.T) {
	t.Parallel()
	const a, dns, b, c = "10.0.0.2:40000", "192.0.2.53:53", "192.0.2.1:9000", "198.51.100.7:9001"
	for name, tc := range map[string]struct {
		file   string
		uplink string
		want   string
		err    string
	}{
		"it asks a name server":        {raw(t, [2]string{a, dns}, [2]string{dns, a}, [2]string{b, a}), "", "3 packets in 2.0 s, 1 up and 2 down", ""},
		"it is named":                  {raw(t, [2]string{a, b}, [2]string{b, a}), "192.0.2.1", "1 up and 1 down", ""},
		"it is in a network":           {raw(t, [2]string{a, b}, [2]string{b, a}, [2]string{b, c}), "10.0.0.0/8", "not IP: 1", ""},
		"nothing tells":                {raw(t, [2]string{a, b}, [2]string{b, a}), "", "", "cannot tell which side is the phone (10.0.0.2, 192.0.2.1): name its address with --uplink ADDR"},
		"both ask":                     {raw(t, [2]string{a, dns}, [2]string{"192.0.2.53:5000", "10.0.0.2:53"}), "", "", "cannot tell which side is the phone"},
		"other hosts' packets":         {raw(t, [2]string{a, dns}, [2]string{b, c}), "", "", "byte 140: a packet from 192.0.2.1 to 198.51.100.7, neither of which is the phone"},
		"a name that is no address":    {raw(t, [2]string{a, b}), "phone", "", `--uplink "phone" is no address; expected one such as 10.0.0.2`},
		"an address that is not there": {raw(t, [2]string{a, b}), "10.9.9.9", "", "none of its 1 packets is the phone's: is --uplink right?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := call(t, newEnergy(), tc.file, "--uplink", tc.uplink)
			if tc.err != "" {
				require.ErrorContains(t, err, tc.err)
				require.Empty(t, got)
				return
			}
			require.NoError(t, err)
			require.Contains(t, got, tc.want)
		})
	}
}

// What is wrong is named with its place: the file and the byte, or the line.
func TestEnergyBadInput(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile(energybox + "test1.pcap")
	require.NoError(t, err)
	poke := func(at int, v uint32) []byte {
		b := bytes.Clone(good)
		binary.LittleEndian.PutUint32(b[at:], v)
		return b
	}
	for name, tc := range map[string]struct {
		file  string
		model string
		want  string
	}{
		"no file":          {"nowhere.pcap", "", "nowhere.pcap"},
		"no such model":    {energybox + "test1.pcap", "6g", `there is no radio model "6g"; expected one of`},
		"no model file":    {energybox + "test1.pcap", "nowhere.yaml", "read radio model: open nowhere.yaml"},
		"a bad model":      {energybox + "test1.pcap", save(t, "bad.yaml", []byte("radio: 1\nname: Bad\n")), `bad.yaml:2:7: name "Bad" has 'B' in it`},
		"cut":              {save(t, "cut.pcap", good[:590]), "", "cut.pcap: byte 498: the file ends inside a packet of 85 bytes"},
		"not a capture":    {save(t, "text.pcap", []byte("# not a capture")), "", "text.pcap: byte 0: begins with 23206e6f: neither pcap nor pcapng"},
		"an unknown link":  {save(t, "link.pcap", poke(20, 147)), "", "link.pcap: byte 0: link type 147 is not known"},
		"an absurd length": {save(t, "long.pcap", poke(32, 1<<31)), "", "long.pcap: byte 24: a packet with 2147483648 bytes captured"},
		"back in time":     {save(t, "back.pcap", poke(24+16+120, 5)), "", "back.pcap: byte 160: a packet is stamped "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := []string{tc.file}
			if tc.model != "" {
				args = append(args, "--model", tc.model)
			}
			_, err := call(t, newEnergy(), args...)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestModels(t *testing.T) {
	t.Parallel()
	got, err := call(t, newModels())
	require.NoError(t, err)
	for _, m := range radio.Bundled() {
		require.Regexp(t, `(?m)^`+m.Name+` +`+m.Kind+`, confirmed: `+m.Confirmed.String()+`$`, got)
	}
	mine, err := call(t, newModels(), "energybox-3g")
	require.NoError(t, err)
	file := save(t, "mine.yaml", []byte(strings.Replace(mine, "power: 1.3W", "power: 2.6W", 1)))
	got, err = call(t, newEnergy(), energybox+"test1.pcap", "--model", file)
	require.NoError(t, err)
	require.Contains(t, got, "205.6163", "a model of one's own: 41.615553 s of 1.3 W more")
	_, err = call(t, newModels(), "6g")
	require.ErrorContains(t, err, "there is no radio model")
}

// A capture of a million packets, from the file to the joules.
func BenchmarkEnergyMillion(b *testing.B) {
	path := filepath.Join(b.TempDir(), "million.pcap")
	file, err := os.Create(path)
	require.NoError(b, err)
	out := bufio.NewWriter(file)
	w, err := pcap.NewWriter(out)
	require.NoError(b, err)
	up, down := datagram("10.0.0.2:40000", "192.0.2.53:53"), datagram("192.0.2.53:53", "10.0.0.2:40000")
	const packets = 1_000_000
	for i := range packets {
		data := up
		if i%2 == 1 {
			data = down
		}
		require.NoError(b, w.Write(time.Unix(0, int64(i)*int64(70*time.Millisecond)), data, len(data)))
	}
	require.NoError(b, out.Flush())
	require.NoError(b, file.Close())
	for _, model := range []string{"energybox-3g", "videooptimizer-lte", "energybox-wifi"} {
		b.Run(model, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m, err := radio.Lookup(model)
				require.NoError(b, err)
				report, err := capture.Analyse(path, "", m)
				require.NoError(b, err)
				require.EqualValues(b, packets, report.Usage().Packets)
			}
		})
	}
}
