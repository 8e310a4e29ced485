package program

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/subject"
)

// TestMain is the test, or one of the programs that it starts.
func TestMain(m *testing.M) {
	switch os.Getenv("ONEBAR_TEST_ROLE") {
	case "server":
		serve()
	case "victim":
		victim()
	default:
		goleak.VerifyTestMain(m)
	}
}

// serve is a server at the address of its last argument.
func serve() {
	lives, _ := os.ReadFile(os.Getenv("LIVES"))
	_ = os.WriteFile(os.Getenv("LIVES"), append(lives, 'x'), 0o644)
	http.HandleFunc("/lives", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(strconv.Itoa(len(lives) + 1))) })
	http.HandleFunc("/exit", func(http.ResponseWriter, *http.Request) { os.Exit(3) }) //nolint:forbidigo // it is a program
	l, err := net.Listen("tcp", os.Args[len(os.Args)-1])
	if err != nil {
		os.Exit(4) //nolint:forbidigo // it is a program
	}
	os.Stdout.WriteString("open for business\n")
	_ = http.Serve(l, nil)
}

// victim starts a program that starts another, says so, and waits to be killed.
func victim() {
	p, err := Start(Config{Name: "it", Command: []string{"/bin/sh", "-c", twoPrograms}, LogFile: os.Getenv("LOG")})
	if err != nil {
		os.Exit(5) //nolint:forbidigo // it is a program
	}
	for !p.Printed("grandchild") {
		time.Sleep(time.Millisecond)
	}
	if os.Getenv("FROZEN") != "" && p.Freeze() != nil {
		os.Exit(6) //nolint:forbidigo // it is a program
	}
	os.Stdout.WriteString("up\n")
	select {
	case <-p.Done():
	case <-time.After(time.Minute):
	}
}

// twoPrograms is a shell with a child, neither of which ends at a SIGTERM or hangs
// up.
const twoPrograms = `trap "" TERM HUP; echo child $$; sh -c 'trap "" TERM HUP; echo grandchild $$; while :; do sleep 0.01; echo tick; done' & wait`

// waitLimit bounds what must happen; it is never waited out by a passing test.
const waitLimit = 20 * time.Second

func shell(t *testing.T, script string) *Process {
	t.Helper()
	p, err := Start(Config{Name: "it", Command: []string{"/bin/sh", "-c", script}, Env: os.Environ(), LogFile: filepath.Join(t.TempDir(), "log")})
	require.NoError(t, err)
	t.Cleanup(p.Kill)
	return p
}

// pids returns the numbers that programs have printed about themselves.
func pids(t *testing.T, log string) (all []int) {
	t.Helper()
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		word, number, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.Atoi(number); err == nil && strings.HasSuffix(word, "child") {
			all = append(all, n)
		}
	}
	return all
}

// running reports whether a process runs: one that has ended may wait for whoever
// it was left to.
func running(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if os.Getenv("GOOS") != "" || err != nil {
		return false
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	return fields[0] != "Z" && fields[0] != "X"
}

func linux(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("it looks for processes where Linux has them")
	}
}

func TestKillEndsWhatItHasStarted(t *testing.T) {
	linux(t)
	p := shell(t, twoPrograms)
	require.Eventually(t, func() bool { return p.Printed("grandchild") }, waitLimit, time.Millisecond)
	both := pids(t, p.log)
	require.Len(t, both, 2)
	require.Equal(t, p.Pid(), both[0])
	for _, pid := range both {
		require.True(t, running(pid))
	}
	p.Kill()
	require.Error(t, p.err)
	require.NoError(t, p.Died(), "it was killed")
	for _, pid := range both {
		require.False(t, running(pid))
	}
	p.Kill()
}

func TestFreeze(t *testing.T) {
	p := shell(t, twoPrograms)
	size := func() int64 {
		info, err := os.Stat(p.log)
		require.NoError(t, err)
		return info.Size()
	}
	require.Eventually(t, func() bool { return p.Printed("tick") }, waitLimit, time.Millisecond)
	require.NoError(t, p.Freeze())
	time.Sleep(50 * time.Millisecond) // what was under way
	before := size()
	time.Sleep(100 * time.Millisecond)
	require.Equal(t, before, size())
	require.NoError(t, p.Thaw())
	require.Eventually(t, func() bool { return size() > before }, waitLimit, time.Millisecond)
	require.NoError(t, p.Freeze())
	p.Kill() // frozen, too
}

func TestWhoStartedItIsKilled(t *testing.T) {
	linux(t)
	for _, frozen := range []string{"", "frozen"} {
		log := filepath.Join(t.TempDir(), "log")
		v := exec.Command(os.Args[0])
		v.Env = append(os.Environ(), "ONEBAR_TEST_ROLE=victim", "LOG="+log, "FROZEN="+frozen)
		out, err := v.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, v.Start())
		_, err = bufio.NewReader(out).ReadString('\n')
		require.NoError(t, err)
		both := pids(t, log)
		require.Len(t, both, 2)
		require.NoError(t, v.Process.Kill())
		require.Error(t, v.Wait())
		require.Eventually(t, func() bool { return !running(both[0]) && !running(both[1]) }, waitLimit, time.Millisecond, "%s", frozen)
	}
}

func TestDied(t *testing.T) {
	p := shell(t, "for i in 1 2 3 4 5 6 7; do echo line $i; done; exit 3")
	<-p.Done()
	require.EqualError(t, p.Died(), "it died by itself: exit status 3; its last lines: line 3 | line 4 | line 5 | line 6 | line 7")
	p.Kill()
	require.EqualError(t, p.Died(), "it died by itself: exit status 3; its last lines: line 3 | line 4 | line 5 | line 6 | line 7", "also after it was buried")
	p = shell(t, "kill -SEGV $$")
	<-p.Done()
	require.ErrorContains(t, p.Died(), "it died by itself: signal: segmentation fault")
	require.ErrorContains(t, p.Died(), "; it printed nothing")
	p = shell(t, "exit 0")
	<-p.Done()
	require.EqualError(t, p.Died(), "it died by itself: exit status 0; it printed nothing")

	_, err := Start(Config{Name: "it", Command: []string{"./missing", "x"}, Dir: "/", LogFile: filepath.Join(t.TempDir(), "log")})
	require.ErrorContains(t, err, `start it: `)
	require.ErrorContains(t, err, `no such file or directory; its command is "./missing x" in /`)
	_, err = Start(Config{Name: "it", Command: []string{"true"}, LogFile: "/missing/log"})
	require.ErrorContains(t, err, "open the log of it")
}

func TestPrintedIsOfThisLife(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	require.NoError(t, os.WriteFile(log, []byte("ready\n"), 0o644))
	p, err := Start(Config{Name: "it", Command: []string{"/bin/sh", "-c", "printf read; sleep 0.05; printf 'y to go\nmore'"}, LogFile: log})
	require.NoError(t, err)
	defer p.Kill()
	require.False(t, p.Printed("ready"))
	<-p.Done()
	require.True(t, p.Printed("ready"))
	require.False(t, p.Printed("more"), "no whole line")
}

// record is an observer.
type record struct {
	mu       sync.Mutex
	told     []harness.Told
	attempts []harness.Attempt
}

func (r *record) Told(t harness.Told) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, t)
}

func (r *record) Attempt(a harness.Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempts = append(r.attempts, a)
}

func (r *record) Committed(string) {}

func (r *record) all() []harness.Told {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]harness.Told(nil), r.told...)
}

// newEnv is a run of so many wallets whose addresses are door-0 and so on.
func newEnv(t *testing.T, wallets int) (*subject.Env, *record) {
	t.Helper()
	r := &record{}
	return &subject.Env{
		Workload: harness.Workload{Wallets: wallets, Merchants: 1, Payments: 3, AmountMax: 100, Currency: "KES"},
		Seed:     7, Start: time.Now(), Dir: t.TempDir(), Observer: r, Log: slog.New(slog.DiscardHandler),
		Accounts: &subject.Accounts{}, Asked: &subject.Asked{}, Server: "127.0.0.1:9",
		Listen: func(_ context.Context, i int) (string, error) { return "door-" + strconv.Itoa(i), nil },
	}, r
}
