package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"
)

// TestMain is also the program "onebar reference" when asProgram says so: tests that
// kill a process start this one.
func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(runProgram()) //nolint:forbidigo // here it is main
	}
	goleak.VerifyTestMain(m)
}

// onebar runs "onebar reference" with these words and returns what it printed.
func onebar(ctx context.Context, out io.Writer, words ...string) error {
	c := Command()
	c.SetOut(out)
	c.SetErr(io.Discard)
	c.SilenceUsage, c.SilenceErrors = true, true
	c.SetArgs(words)
	return c.ExecuteContext(ctx)
}

func works(t *testing.T, words ...string) string {
	t.Helper()
	var out bytes.Buffer
	if err := onebar(t.Context(), &out, words...); err != nil {
		t.Fatalf("%s: %v", strings.Join(words, " "), err)
	}
	return out.String()
}

func fails(t *testing.T, want string, words ...string) string {
	t.Helper()
	var out bytes.Buffer
	assert.ErrorContains(t, onebar(t.Context(), &out, words...), want)
	return out.String()
}

// exitCode runs a command whose outcome has an exit code of its own.
func exitCode(t *testing.T, words ...string) int {
	t.Helper()
	var exit *ExitError
	assert.ErrorAs(t, onebar(t.Context(), io.Discard, words...), &exit)
	return exit.Code
}

// town is a bank and a wallet in folders of their own.
type town struct {
	t            *testing.T
	bank, wallet string
	address      string
}

func newTown(t *testing.T) *town {
	t.Helper()
	d := t.TempDir()
	w := &town{t: t, bank: filepath.Join(d, "bank"), wallet: filepath.Join(d, "wallet")}
	works(t, "bank", "init", "--dir", w.bank)
	works(t, "bank", "enroll", "--dir", w.bank, "--account", "shop", "--currency", "KES")
	return w
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// serve serves the bank at a port that was free and returns what stops it.
func (w *town) serve(listen string, more ...string) (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	r, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- onebar(ctx, out, append([]string{"bank", "serve", "--dir", w.bank, "--listen", listen}, more...)...)
		out.Close()
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		w.t.Fatalf("the bank does not serve: %v", <-done)
	}
	w.address = strings.TrimSuffix(strings.Fields(line)[2], ",")
	return func() {
		w.t.Helper()
		cancel()
		assert.NoError(w.t, <-done)
	}
}

// open makes the wallet and its account.
func (w *town) open() {
	w.t.Helper()
	works(w.t, "wallet", "init", "--dir", w.wallet, "--account", "alice", "--bank", w.address, "--bank-key", read(w.t, w.bank, "bank.pub"))
	works(w.t, "bank", "enroll", "--dir", w.bank, "--account", "alice", "--key", read(w.t, w.wallet, "wallet.pub"),
		"--currency", "KES", "--opening", "1000")
}

func (w *town) pay(order, amount string, more ...string) []string {
	return append([]string{
		"wallet", "pay", "--dir", w.wallet, "--order", order, "--to", "shop", "--amount", amount, "--currency", "KES",
	}, more...)
}

func TestPay(t *testing.T) {
	w := newTown(t)
	w.serve("127.0.0.1:0")() // to learn a free port
	w.open()
	stop := w.serve(w.address)

	out := works(t, w.pay("tea", "250")...)
	assert.Contains(t, out, "tea: 250 minor units of KES to shop: queued\n")
	assert.Contains(t, out, "tea: 250 minor units of KES to shop: confirmed, transfer ")
	assert.Contains(t, works(t, w.pay("tea", "250")...), "shop: confirmed", "a second time it is only said again")
	fails(t, "being paid with another", w.pay("tea", "251")...)
	assert.Contains(t, fails(t, "was refused: it is declined", w.pay("car", "5000")...), "declined: no funds")
	assert.Equal(t, exitRefused, exitCode(t, w.pay("car", "5000")...))

	ledger := works(t, "bank", "ledger", "--dir", w.bank)
	assert.Regexp(t, `alice +1000 +750 +KES`, ledger, "beside the serving bank")
	assert.Regexp(t, `shop +0 +250 +KES`, ledger)
	assert.Equal(t, 1, strings.Count(ledger, " tea "))
	assert.Contains(t, ledger, "The books are right.")
	fails(t, "stop its \"bank serve\" first", "bank", "enroll", "--dir", w.bank, "--account", "x", "--currency", "KES")
	stop()
	fails(t, "was opened before, with 1000 minor units", "bank", "enroll", "--dir", w.bank, "--account", "alice",
		"--key", read(t, w.wallet, "wallet.pub"), "--currency", "KES", "--opening", "5")
	fails(t, "unknown command", "bank", "history")

	out = fails(t, "may still be made", w.pay("bun", "100", "--wait", "10ms")...)
	assert.Contains(t, out, "bun: 100 minor units of KES to shop: queued\n")
	assert.Equal(t, exitUnknown, exitCode(t, w.pay("bun", "100", "--wait", "10ms")...))
	fails(t, "1 payment has no final answer yet", "wallet", "sync", "--dir", w.wallet, "--wait", "10ms")
	stop = w.serve(w.address)
	assert.Contains(t, works(t, "wallet", "sync", "--dir", w.wallet), "bun: 100 minor units of KES to shop: confirmed")
	stop()

	history := works(t, "wallet", "history", "--dir", w.wallet)
	assert.Regexp(t, `tea +shop +250 +KES .* confirmed +1 `, history)
	assert.Regexp(t, `bun +1 .* pay +new +connect to the bank: `, history)
	var states []string
	for line := range strings.Lines(works(t, "wallet", "history", "--dir", w.wallet, "--json")) {
		var p paymentLine
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatal(err)
		}
		states = append(states, p.Order+" "+p.State)
	}
	assert.Equal(t, []string{"tea confirmed", "car declined", "car declined", "bun confirmed"}, states)
}

func TestMistakes(t *testing.T) {
	d := t.TempDir()
	key := strings.Repeat("ab", 64)
	tests := []struct {
		name, want string
		words      []string
	}{
		{"no dir", `required flag(s) "dir" not set`, []string{"bank", "init"}},
		{"no bank", `run "onebar reference bank init`, []string{"bank", "serve", "--dir", d}},
		{"no connections", "--max-connections 0: it must be 1 or more", []string{"bank", "serve", "--dir", d, "--max-connections", "0"}},
		{"no time", "--idle-timeout 0s: it must be more than 0, such as 2m0s", []string{
			"bank", "serve", "--dir", d, "--max-connections", "0", "--idle-timeout", "0",
		}},
		{"no frame", "--frame-timeout -1s: it must be more than 0, such as 10s", []string{"bank", "serve", "--dir", d, "--frame-timeout", "-1s"}},
		{"no ledger", "is there a bank in", []string{"bank", "ledger", "--dir", d}},
		{"no wallet", `run "onebar reference wallet init`, []string{"wallet", "sync", "--dir", d}},
		{"short bank key", "128 hexadecimal digits", []string{
			"wallet", "init", "--dir", d, "--account", "a", "--bank", "h:1", "--bank-key", "ab",
		}},
		{"no port", "host:port", []string{
			"wallet", "init", "--dir", d, "--account", "a", "--bank", "h", "--bank-key", key,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { fails(t, tt.want, tt.words...) })
	}
	entries, err := os.ReadDir(d)
	assert.NoError(t, err)
	assert.Empty(t, entries, "nothing is written by a mistake")
}

// TestLimits opens one silent connection more than may be open.
func TestLimits(t *testing.T) {
	for _, flags := range [][]string{{"--max-connections", "1"}, {"--max-per-address", "1"}, {"--handshake-timeout", "20ms"}} {
		t.Run(flags[0], func(t *testing.T) {
			w := newTown(t)
			defer w.serve("127.0.0.1:0", flags...)()
			var d net.Dialer
			first, err := d.DialContext(t.Context(), "tcp", w.address)
			assert.NoError(t, err)
			defer first.Close()
			second, err := d.DialContext(t.Context(), "tcp", w.address)
			assert.NoError(t, err)
			defer second.Close()
			assert.NoError(t, first.SetReadDeadline(time.Now().Add(20*time.Second)))
			_, err = first.Read(make([]byte, 1))
			assert.Error(t, err)
			assert.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the bank did not close it")
		})
	}
}

func TestKeysAreKept(t *testing.T) {
	w := newTown(t)
	fails(t, "exists already", "bank", "init", "--dir", w.bank)
	if runtime.GOOS == "windows" {
		return
	}
	info, err := os.Stat(filepath.Join(w.bank, "bank.json"))
	assert.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	assert.NoError(t, os.Chmod(filepath.Join(w.bank, "bank.json"), 0o644))
	fails(t, "others can read it", "bank", "serve", "--dir", w.bank)
}

// TestEnrollNeedsTheCertificate: what is not the wallet's certificate is refused
// with its cause, and no account is opened.
func TestEnrollNeedsTheCertificate(t *testing.T) {
	w := newTown(t)
	w.address = "127.0.0.1:1"
	works(t, "wallet", "init", "--dir", w.wallet, "--account", "alice", "--bank", w.address, "--bank-key", read(t, w.bank, "bank.pub"))
	certificate := strings.TrimSpace(read(t, w.wallet, "wallet.pub"))
	assert.Len(t, certificate, 256)
	altered := certificate[:100] + "0" + certificate[101:]
	if certificate[100] == '0' {
		altered = certificate[:100] + "1" + certificate[101:]
	}
	other := filepath.Join(t.TempDir(), "other")
	works(t, "wallet", "init", "--dir", other, "--account", "bob", "--bank", w.address, "--bank-key", read(t, w.bank, "bank.pub"))
	enroll := func(key string) []string {
		return []string{"bank", "enroll", "--dir", w.bank, "--account", "alice", "--key", key, "--currency", "KES"}
	}
	for _, tt := range []struct{ name, key, want string }{
		{"of an older version", certificate[:64], "as wallets without an identity key had: make the wallet again with this version"},
		{"the bank's", read(t, w.bank, "bank.pub"), "not 256 hexadecimal digits"},
		{"cut", certificate[:200], "it has 200 characters, not 256 hexadecimal digits"},
		{"one digit altered", altered, "its identity key has not signed its transport key: the text was altered"},
		{"of two wallets", certificate[:64] + read(t, other, "wallet.pub")[64:], "its identity key has not signed its transport key"},
	} {
		fails(t, tt.want, enroll(tt.key)...)
		fails(t, "wallet.pub of the wallet's folder", enroll(tt.key)...)
	}
	assert.NotContains(t, works(t, "bank", "ledger", "--dir", w.bank), "alice")
	works(t, enroll(certificate)...)
	works(t, enroll(certificate)...)
}

// TestOldWalletIsRefused: a wallet of before there were identity keys.
func TestOldWalletIsRefused(t *testing.T) {
	d := t.TempDir()
	key := strings.Repeat("ab", 64)
	old := `{"account":"a","private":"` + key[:64] + `","bank":"127.0.0.1:1","bank_key":"` + key + `"}`
	assert.NoError(t, os.WriteFile(filepath.Join(d, "wallet.json"), []byte(old), 0o600))
	fails(t, "has no identity key, because an older version made it", "wallet", "sync", "--dir", d)
	_, err := os.Stat(filepath.Join(d, "wallet.db"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// TestHelp keeps every command explained by an example.
func TestHelp(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		assert.NotEmpty(t, c.Short, c.CommandPath())
		if len(c.Commands()) == 0 {
			assert.Contains(t, c.Example, "onebar "+c.CommandPath(), c.CommandPath())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(Command())
}
