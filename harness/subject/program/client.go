package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/harness/subject/netns"
	"github.com/onebar/onebar/harness/sut"
)

// Client runs the payers as programs: one for each wallet, or one for all. It is a
// subject.Client, a subject.Crasher, a subject.Holder and a harness.Breaker.
type Client struct {
	config    sut.ExecClient
	base      string
	apps      []*app
	addresses []string // by wallet
	note      string   // for readers of the result
}

// NewClient returns a client that has not been started. Relative folders are relative
// to base.
func NewClient(c sut.ExecClient, base string) *Client {
	return &Client{config: c, base: base}
}

// Start implements subject.Client.
func (c *Client) Start(ctx context.Context, env *subject.Env) error {
	if !c.config.Kernel {
		return c.start(ctx, env, env.Listen)
	}
	why := errors.New("the engine has no packets")
	if env.Tunnel != nil {
		inside := func(context.Context, int) (string, error) { return env.Inside, nil }
		why = c.start(ctx, env, inside)
		if !errors.Is(why, netns.ErrNotHere) {
			c.note = "each client ran in a network namespace of its own, and the TCP of its kernel crossed the link"
			return why
		}
		c.each((*app).quit)
		c.apps, c.addresses = nil, nil
	}
	c.config.Kernel = false
	c.note = fmt.Sprintf("the clients ran behind loopback addresses, where a connect succeeds before anything has crossed the link, and not in network namespaces as asked: %v", why)
	return c.start(ctx, env, env.Listen)
}

// start starts the programs. Each reaches the server at the address of its wallet.
func (c *Client) start(ctx context.Context, env *subject.Env, address func(context.Context, int) (string, error)) error {
	for i := range env.Workload.Wallets {
		a, err := address(ctx, i)
		if err != nil {
			return err
		}
		c.addresses = append(c.addresses, a)
	}
	programs := env.Workload.Wallets
	if c.config.Shared {
		programs = 1
	}
	for i := range programs {
		a, err := c.app(i, env)
		if err != nil {
			return err
		}
		c.apps = append(c.apps, a)
	}
	return live(ctx, c.apps, false)
}

// app prepares the program of a wallet, or that of all wallets.
func (c *Client) app(i int, env *subject.Env) (*app, error) {
	dir, err := stateDir(env)
	if err != nil {
		return nil, err
	}
	w := env.Workload
	name, folder := fmt.Sprintf("the client of wallet %d", i), "client-"+strconv.Itoa(i)
	from, to := i, i+1
	if c.config.Shared {
		name, folder, from, to = "the client", "client", 0, w.Wallets
	}
	folder = filepath.Join(dir, folder)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("make a folder for %s: %w", name, err)
	}
	start, err := configOf(name, c.config.Program, c.base, nil)
	if err != nil {
		return nil, err
	}
	start.LogFile = folder + ".log"
	if c.config.Kernel {
		start.Attach = func(device io.ReadWriteCloser) (harness.Tunnel, error) { return env.Tunnel(i, device) }
	}
	start.Env = append(start.Env, "ONEBAR_PROTOCOL="+strconv.Itoa(protocolVersion), "ONEBAR_DIR="+folder, "ONEBAR_ADDRESS="+c.addresses[from])
	direct := env.Server
	if c.config.Kernel {
		direct = env.Inside // the namespace has no other route
	}
	hello := command{Command: "start", Currency: w.Currency, Server: direct, Seed: env.Seed, Balance: opening(w)}
	for j := from; j < to; j++ {
		hello.Wallets = append(hello.Wallets, walletLine{j, subject.Wallet(j), c.addresses[j]})
	}
	for j := range w.Merchants {
		hello.Merchants = append(hello.Merchants, subject.Merchant(j))
	}
	return &app{
		name: name, env: env, start: start, hello: hello,
		open: map[string]bool{}, attempts: map[string]int{},
	}, nil
}

// opening is the opening balance of a wallet: that of the workload, or else enough for
// every payment.
func opening(w harness.Workload) int64 {
	if w.Balance > 0 {
		return w.Balance
	}
	most := w.AmountMax
	for _, p := range w.Others {
		most = max(most, p.Max)
	}
	return most * int64(w.Payments) * int64(max(1, w.Presses))
}

// live starts programs at the same time.
func live(ctx context.Context, apps []*app, restarted bool) error {
	errs := make([]error, len(apps))
	var all sync.WaitGroup
	for i, a := range apps {
		all.Go(func() { errs[i] = a.live(ctx, restarted) })
	}
	all.Wait()
	return several(errs)
}

// several joins the errors of similar programs: it returns the first one and the number
// of the others, whose logs have the details.
func several(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	return fmt.Errorf("%w; and %d more clients ended in error", errs[0], len(errs)-1)
}

// Payer implements subject.Client.
func (c *Client) Payer(i int) harness.Payer { return payer{c, i} }

type payer struct {
	client *Client
	wallet int
}

// Pay implements harness.Payer.
func (p payer) Pay(ctx context.Context, hp harness.Payment) error {
	a := p.client.apps[0]
	if !p.client.config.Shared {
		a = p.client.apps[p.wallet]
	}
	return a.pay(ctx, hp, p.client.addresses[p.wallet])
}

// Crash implements subject.Crasher.
func (c *Client) Crash() error {
	c.each((*app).kill)
	return nil
}

// Restart implements subject.Crasher.
func (c *Client) Restart(ctx context.Context) (string, error) { return "", live(ctx, c.apps, true) }

// Freeze implements subject.Freezer.
func (c *Client) Freeze() error { return c.processes((*Process).Freeze) }

// Thaw implements subject.Freezer.
func (c *Client) Thaw() error { return c.processes((*Process).Thaw) }

// processes calls do with the process of every program.
func (c *Client) processes(do func(*Process) error) error {
	var errs []error
	for _, a := range c.apps {
		a.mu.Lock()
		p := a.process
		a.mu.Unlock()
		errs = append(errs, do(p))
	}
	return errors.Join(errs...)
}

// Wallet implements subject.Divided: nil if one program pays for all wallets.
func (c *Client) Wallet(i int) any {
	if c.config.Shared {
		return nil
	}
	return wallet{c, i}
}

// wallet is the program of one wallet. It is a subject.Crasher and a subject.Freezer.
type wallet struct {
	client *Client
	i      int
}

// alone is a client of this program only.
func (w wallet) alone() *Client { return &Client{apps: w.client.apps[w.i : w.i+1]} }

func (w wallet) Crash() error { return w.alone().Crash() }

func (w wallet) Restart(ctx context.Context) (string, error) { return w.alone().Restart(ctx) }

func (w wallet) Freeze() error { return w.alone().Freeze() }

func (w wallet) Thaw() error { return w.alone().Thaw() }

// Holds implements subject.Holder.
func (c *Client) Holds() bool { return c.config.Holds }

// Held implements subject.Holder.
func (c *Client) Held(ctx context.Context) ([]string, error) {
	var all []string
	var errs []error
	for _, a := range c.apps {
		held, err := a.ask(ctx)
		all, errs = append(all, held...), append(errs, err)
	}
	return all, several(errs)
}

// Broke implements harness.Breaker.
func (c *Client) Broke() error {
	var errs []error
	for _, a := range c.apps {
		errs = append(errs, a.trouble())
	}
	return several(errs)
}

// Notes implements harness.Noter: if the scenario asked for namespaces, it says whether
// the kernel's TCP of each client crossed the link.
func (c *Client) Notes() []string {
	if c.note == "" {
		return nil
	}
	return []string{c.note}
}

// Close implements subject.Client.
func (c *Client) Close() error {
	c.each((*app).quit)
	return nil
}

// each calls do with all programs at the same time.
func (c *Client) each(do func(*app)) {
	var all sync.WaitGroup
	for _, a := range c.apps {
		all.Go(func() { do(a) })
	}
	all.Wait()
}
