package pcap_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/pcap"
	"github.com/onebar/onebar/harness/testneeds"
)

// tool runs a program of Wireshark, or skips the test where there is none.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		testneeds.Missing(t, "%s is not installed", name)
	}
	out, err := exec.CommandContext(t.Context(), path, args...).Output()
	require.NoError(t, err)
	return string(out)
}

// fields are what tshark and we say of a packet: time, bytes on the wire, bytes
// captured, addresses.
func fields(p pcap.Packet) string {
	f := p.Decode()
	return fmt.Sprintf("%d.%09d %d %d %s %s", p.Time/time.Second, p.Time%time.Second, p.Wire, len(p.Data), f.Src, f.Dst)
}

func tshark(t *testing.T, path string) []string {
	t.Helper()
	out := tool(t, "tshark", "-r", path, "-T", "fields", "-E", "separator=/s",
		"-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.cap_len", "-e", "ip.src", "-e", "ip.dst")
	return strings.Split(strings.TrimSpace(out), "\n")
}

// Wireshark reads what a Writer wrote as it was meant, to the nanosecond.
func TestWiresharkReadsUs(t *testing.T) {
	if testing.Short() {
		t.Skip("runs tshark")
	}
	var file bytes.Buffer
	w, err := pcap.NewWriter(&file)
	require.NoError(t, err)
	start := time.Unix(1_700_000_000, 123_456_789)
	var want []string
	for i := range 50 {
		data := udp("10.0.0.2", "192.0.2.1", 4000, 53, 3+i)
		at := start.Add(time.Duration(i) * 1001 * time.Microsecond)
		require.NoError(t, w.Write(at, data[:len(data)-i%3], len(data)))
		want = append(want, fmt.Sprintf("%d.%09d %d %d 10.0.0.2 192.0.2.1", at.Unix(), at.Nanosecond(), len(data), len(data)-i%3))
	}
	path := filepath.Join(t.TempDir(), "ours.pcap")
	require.NoError(t, os.WriteFile(path, file.Bytes(), 0o600))
	require.Equal(t, want, tshark(t, path))
}

// We read what Wireshark wrote, in each of its formats, as it does.
func TestWeReadWireshark(t *testing.T) {
	if testing.Short() {
		t.Skip("runs editcap and tshark")
	}
	const phone = "../radio/testdata/energybox/test1.pcap"
	for _, format := range []string{"pcap", "nsecpcap", "pcapng"} {
		t.Run(format, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "theirs")
			tool(t, "editcap", "-F", format, phone, path)
			file, err := os.ReadFile(path)
			require.NoError(t, err)
			packets, err := read(file)
			require.NoError(t, err)
			var got []string
			for _, p := range packets {
				got = append(got, fields(p))
			}
			require.Equal(t, tshark(t, path), got)
		})
	}
}
