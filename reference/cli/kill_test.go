package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	must "github.com/stretchr/testify/require"
)

// asProgram is the environment variable that makes this test binary the program
// "onebar reference".
const asProgram = "ONEBAR_TEST_REFERENCE"

// killsVariable is the environment variable with the number of kills of
// TestKilledProcesses. `make kills` sets it.
const killsVariable = "ONEBAR_KILLS"

// runProgram is the program "onebar reference", and returns its exit code.
func runProgram() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c := Command()
	c.SilenceUsage, c.SilenceErrors = true, true
	c.SetArgs(os.Args[1:])
	err := c.ExecuteContext(ctx)
	var exit *ExitError
	switch {
	case errors.As(err, &exit):
		return exit.Code
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	return 0
}

// program returns the command "onebar reference" with these words, as a process of
// its own.
func program(ctx context.Context, words ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, os.Args[0], words...)
	c.Env = append(os.Environ(), asProgram+"=1")
	return c
}

// TestKilledProcesses kills the processes of a bank and of several wallets without
// warning while payments are under way, and then compares what the wallets have
// stored with the books: nothing is lost, and nothing is booked twice.
func TestKilledProcesses(t *testing.T) {
	kills := 40
	if testing.Short() {
		kills = 8
	}
	if n, err := strconv.Atoi(os.Getenv(killsVariable)); err == nil {
		kills = n
	}
	const wallets = 4
	k := &killing{t: t, dir: t.TempDir(), rng: rand.New(rand.NewPCG(1, 2)), bankDone: make(chan struct{})}
	k.setUp(wallets)

	var wg sync.WaitGroup
	wg.Go(func() { k.killBank(kills / 3) })
	for i := range wallets {
		wg.Go(func() { k.killWallet(i, (kills-kills/3)/wallets) })
	}
	wg.Wait()

	k.startBank()
	pressed, confirmed := 0, 0
	stored := map[string]paymentLine{} // by key
	for i := range wallets {
		out, err := program(t.Context(), "wallet", "sync", "--dir", k.wallet(i), "--wait", "90s").CombinedOutput()
		must.NoError(t, err, "%s", out)
		for _, p := range jsonLines[paymentLine](t, "wallet", "history", "--dir", k.wallet(i), "--json") {
			stored[p.Key] = p
			pressed++
			must.Contains(t, []string{"confirmed", "declined", "expired"}, p.State)
			if p.State == "confirmed" {
				confirmed++
			}
		}
	}
	k.stopBank()
	orders := map[string]int{}
	transfers := 0
	for _, tr := range jsonLines[transferLine](t, "bank", "ledger", "--dir", k.bank(), "--json") {
		if tr.Transfer == 0 {
			continue // a balance
		}
		transfers++
		orders[tr.Payer+" "+tr.Order]++
		p, ok := stored[tr.Key]
		must.True(t, ok, "transfer %d is of a payment that no wallet has stored", tr.Transfer)
		must.Equal(t, "confirmed", p.State, "order %s was booked", p.Order)
		must.Equal(t, tr.Transfer, p.Transfer)
		must.Equal(t, p.Amount, tr.Amount)
	}
	for order, n := range orders {
		must.Equal(t, 1, n, "order %s was booked %d times", order, n)
	}
	must.Equal(t, confirmed, transfers, "every confirmed payment is booked, once")
	must.Positive(t, k.cut.Load(), "no payment was under way at a kill: the test proves nothing")
	t.Logf("%d kills of wallets, %d of the bank; %d payments stored, %d confirmed, %d booked; %d wallets were killed with a payment under way",
		k.walletKills.Load(), k.bankKills.Load(), pressed, confirmed, transfers, k.cut.Load())
}

func jsonLines[T any](t *testing.T, words ...string) (list []T) {
	t.Helper()
	out, err := program(t.Context(), words...).Output()
	must.NoError(t, err, "%s", out)
	for line := range strings.Lines(string(out)) {
		var v T
		must.NoError(t, json.Unmarshal([]byte(line), &v), line)
		list = append(list, v)
	}
	return list
}

// killing is a bank and its wallets, as processes that are killed.
type killing struct {
	t       *testing.T
	dir     string
	address string

	mu  sync.Mutex
	rng *rand.Rand

	bankDone chan struct{} // closed when the bank is killed no more

	process                     *exec.Cmd // the bank's
	bankKills, walletKills, cut atomic.Int64
}

func (k *killing) bank() string        { return filepath.Join(k.dir, "bank") }
func (k *killing) wallet(i int) string { return filepath.Join(k.dir, fmt.Sprint("wallet", i)) }

func (k *killing) setUp(wallets int) {
	k.run("bank", "init", "--dir", k.bank())
	k.run("bank", "enroll", "--dir", k.bank(), "--account", "shop", "--currency", "KES")
	for i := range wallets {
		account := fmt.Sprint("w", i)
		k.run("wallet", "init", "--dir", k.wallet(i), "--account", account, "--bank", "127.0.0.1:1", "--bank-key", read(k.t, k.bank(), "bank.pub"))
		k.run("bank", "enroll", "--dir", k.bank(), "--account", account, "--key", read(k.t, k.wallet(i), "wallet.pub"),
			"--currency", "KES", "--opening", "1000000")
	}
	k.startBank()
	for i := range wallets { // now that the port is known
		path := filepath.Join(k.wallet(i), "wallet.json")
		text := strings.Replace(read(k.t, path), "127.0.0.1:1\"", k.address+"\"", 1)
		must.NoError(k.t, os.WriteFile(path, []byte(text), 0o600))
	}
}

func (k *killing) run(words ...string) {
	k.t.Helper()
	out, err := program(k.t.Context(), words...).CombinedOutput()
	must.NoError(k.t, err, "%v: %s", words, out)
}

// startBank serves the bank, at the port it had before.
func (k *killing) startBank() {
	k.t.Helper()
	listen := "127.0.0.1:0"
	if k.address != "" {
		listen = k.address
	}
	c := program(context.Background(), "bank", "serve", "--dir", k.bank(), "--listen", listen)
	c.Stderr = os.Stderr
	if k.address != "" {
		c.Stderr = nil
	}
	out, err := c.StdoutPipe()
	must.NoError(k.t, err)
	must.NoError(k.t, c.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	must.NoError(k.t, err, "the bank does not serve")
	k.address = strings.TrimSuffix(strings.Fields(line)[2], ",")
	k.process = c
	k.t.Cleanup(func() { _ = c.Process.Kill() })
}

func (k *killing) stopBank() {
	_ = k.process.Process.Kill()
	_ = k.process.Wait()
}

func (k *killing) within(most time.Duration) time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return time.Duration(k.rng.Int64N(int64(most)))
}

// killBank kills the bank and starts it again, so many times.
func (k *killing) killBank(times int) {
	defer close(k.bankDone)
	for range times {
		time.Sleep(k.within(150 * time.Millisecond))
		k.stopBank()
		k.bankKills.Add(1)
		k.startBank()
	}
	k.stopBank()
}

// killWallet presses pay for one order after the other, each time in a process that
// is killed, unless it is done before: at least so many times, and as long as the
// bank is killed.
func (k *killing) killWallet(i, times int) {
	for n := 0; ; n++ {
		select {
		case <-k.bankDone:
			if n >= times {
				return
			}
		default:
		}
		order := fmt.Sprint("order-", n/2) // each is pressed twice
		c := program(context.Background(), "wallet", "pay", "--dir", k.wallet(i), "--order", order, "--to", "shop",
			"--amount", strconv.Itoa(1+n/2), "--currency", "KES", "--within", "1h", "--wait", "10s")
		out, err := c.StdoutPipe()
		if err != nil || c.Start() != nil {
			k.t.Error("the wallet cannot be started")
			return
		}
		first := make(chan struct{})
		go func() { // it prints "queued" as soon as the payment is stored
			if line, _ := bufio.NewReader(out).ReadString('\n'); line != "" {
				close(first)
			}
		}()
		select {
		case <-first:
			time.Sleep(k.within(40 * time.Millisecond))
		case <-time.After(k.within(400 * time.Millisecond)):
		}
		_ = c.Process.Kill()
		if err := c.Wait(); err != nil {
			k.walletKills.Add(1)
			select {
			case <-first:
				k.cut.Add(1)
			default:
			}
		}
	}
}
