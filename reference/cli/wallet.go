package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/reference/channel/noise"
	"github.com/onebar/onebar/reference/outbox"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/vault"
	"github.com/onebar/onebar/reference/wallet"
)

// walletKeys is the content of wallet.json.
type walletKeys struct {
	Account string        `json:"account"`
	Secrets vault.Secrets `json:"secrets"`
	Bank    string        `json:"bank"` // address
	BankKey string        `json:"bank_key"`
}

func walletCommand() *cobra.Command {
	return group("wallet", "A wallet that pays each order once, over bad links too",
		walletInit(), walletPay(), walletSync(), walletHistory())
}

func walletInit() *cobra.Command {
	var dir, bankKey string
	var keys walletKeys
	c := &cobra.Command{
		Use:     "init",
		Short:   "Create a wallet: its keys and an empty queue",
		Example: `  onebar reference wallet init --dir wallet --account alice --bank 127.0.0.1:7400 --bank-key "$(cat bank/bank.pub)"`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, _, err := parseBankKey(bankKey); err != nil {
				return err
			}
			if _, _, err := net.SplitHostPort(keys.Bank); err != nil {
				return fmt.Errorf("--bank: %w: give it as host:port", err)
			}
			var err error
			if keys.Secrets, err = vault.NewSecrets(nil); err != nil {
				return err
			}
			v, err := vault.Open(keys.Secrets)
			if err != nil {
				return err
			}
			keys.BankKey = strings.TrimSpace(bankKey)
			certificate := v.Certificate()
			if err := initialize(dir, "wallet", keys, certificate.String(), func() error { return makeQueue(dir, keys) }); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "certificate of the wallet, for its bank (also in %s):\n%s\n", filepath.Join(dir, "wallet.pub"), &certificate)
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&dir, "dir", "", "folder of the wallet; it is created if it does not exist")
	f.StringVar(&keys.Account, "account", "", "name of the account at the bank")
	f.StringVar(&keys.Bank, "bank", "", "TCP address of the bank, as host:port")
	f.StringVar(&bankKey, "bank-key", "", "public key of the bank, in hexadecimal")
	return require(c, "dir", "account", "bank", "bank-key")
}

// openWallet is a wallet with its store. The caller closes it.
type openWallet struct {
	*wallet.Wallet
	store *outbox.Store
}

// Close closes the wallet and its store.
func (w *openWallet) Close() error { return errors.Join(w.Wallet.Close(), w.store.Close()) }

func makeQueue(dir string, keys walletKeys) error {
	q, err := queue(dir, keys)
	if err != nil {
		return err
	}
	store, err := outbox.Create(q)
	if err != nil {
		return err
	}
	return store.Close()
}

// queue returns the configuration of the queue of the wallet in dir. It verifies the bank's
// receipt of every answer.
func queue(dir string, keys walletKeys) (outbox.Config, error) {
	v, err := vault.Open(keys.Secrets)
	if err != nil {
		return outbox.Config{}, err
	}
	_, receipts, err := parseBankKey(keys.BankKey)
	if err != nil {
		return outbox.Config{}, err
	}
	return outbox.Config{
		Path: filepath.Join(dir, "wallet.db"),
		Verify: func(p *pay.Payment, a *pay.Answer) error {
			return pay.VerifyReceipt(receipts, v.Certificate().Identity, p, a)
		},
	}, nil
}

// readQueue returns the wallet in dir and where its queue is.
func readQueue(dir string) (q outbox.Config, keys walletKeys, err error) {
	if err := readKeys(dir, "wallet", &keys); err != nil {
		return q, keys, err
	}
	if keys.Secrets == (vault.Secrets{}) {
		return q, keys, fmt.Errorf("%s has no identity key, because an older version made it: make the wallet again in another folder with \"onebar reference wallet init\"", filepath.Join(dir, "wallet.json"))
	}
	q, err = queue(dir, keys)
	return q, keys, err
}

// startWallet opens the wallet in dir. The wallet prints what its user is told.
func startWallet(dir string, out, log io.Writer) (*openWallet, error) {
	q, keys, err := readQueue(dir)
	if err != nil {
		return nil, err
	}
	store, err := outbox.Open(q)
	if err != nil {
		return nil, err
	}
	w, err := newWallet(store, keys, out, log)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &openWallet{w, store}, nil
}

func newWallet(store *outbox.Store, keys walletKeys, out, log io.Writer) (*wallet.Wallet, error) {
	v, err := vault.Open(keys.Secrets)
	if err != nil {
		return nil, err
	}
	static, receipts, err := parseBankKey(keys.BankKey)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex // Told comes from several goroutines
	return wallet.Open(store, wallet.Config{
		Account: keys.Account, Vault: v, Bank: receipts,
		Dialer: &noise.Dialer{
			ClientConfig: noise.ClientConfig{Vault: v, Bank: static},
			Address:      keys.Bank, Net: (&net.Dialer{}).DialContext,
		},
		Log: logTo(log),
		Told: func(p outbox.Payment) {
			mu.Lock()
			defer mu.Unlock()
			_, _ = fmt.Fprintln(out, sentence(p)) // it is on disk, shown or not
		},
	})
}

func sentence(p outbox.Payment) string {
	text := fmt.Sprintf("%s: %d minor units of %s to %s: %v", p.Order, p.Amount, p.Currency, p.Payee, p.State)
	if p.Reason != "" {
		text += ": " + p.Reason
	}
	if p.State == outbox.Confirmed && p.Answer != nil {
		text += fmt.Sprintf(", transfer %d", p.Answer.Transfer)
	}
	return text
}

func walletPay() *cobra.Command {
	var dir string
	var o wallet.Order
	var within, wait time.Duration
	c := &cobra.Command{
		Use:   "pay",
		Short: "Pay for an order; repeating the command does not pay twice",
		Long: `Pay for an order. The wallet stores the payment on disk before it sends anything. If
you give the same order again, the wallet does not pay twice: it prints the state of
the first payment.

Exit codes: 0 the order is paid; 1 refused: no money has moved, and none will;
2 the wallet did not accept the payment; 3 no final answer yet: the payment may still
be made, so do not pay again but use sync.`,
		Example: `  onebar reference wallet pay --dir wallet --order tea-1 --to shop --amount 250 --currency KES
  onebar reference wallet pay --dir wallet --order tea-2 --to shop --amount 250 --currency KES --within 1m --wait 90s`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			w, err := startWallet(dir, c.OutOrStdout(), io.Discard)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, w.Close()) }()
			if within > 0 {
				o.Deadline = time.Now().Add(within)
			}
			return payOrder(c, w, o, wait)
		},
	}
	f := c.Flags()
	f.StringVar(&dir, "dir", "", "folder of the wallet")
	f.StringVar(&o.ID, "order", "", "identifier of the order; each order is paid once")
	f.StringVar(&o.Payee, "to", "", "account of the payee")
	f.Int64Var(&o.Amount, "amount", 0, "amount in minor units, such as cents")
	f.StringVar(&o.Currency, "currency", "", "ISO 4217 code, such as KES")
	f.DurationVar(&within, "within", 5*time.Minute, "time until the deadline, after which the bank does not book the payment; 0 is 30 days")
	f.DurationVar(&wait, "wait", time.Minute, "how long to wait for a final answer")
	return require(c, "dir", "order", "to", "amount", "currency")
}

func payOrder(c *cobra.Command, w *openWallet, o wallet.Order, wait time.Duration) error {
	p, err := w.Pay(c.Context(), o)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context(), wait)
	defer cancel()
	before := p.State
	if p, err = w.Await(ctx, p.Key); err != nil {
		return err
	}
	if before == p.State && p.State != outbox.Queued {
		if _, err := fmt.Fprintln(c.OutOrStdout(), sentence(p)); err != nil {
			return err
		}
	}
	switch {
	case p.State == outbox.Confirmed, p.Answer != nil && p.Answer.Reason == pay.AlreadyPaid:
		return nil
	case p.State.Final():
		return &ExitError{exitRefused, fmt.Sprintf("the payment for %s was refused: it is %v", o.ID, p.State)}
	}
	return &ExitError{exitUnknown, fmt.Sprintf("the payment for %s has no final answer yet, and may still be made: run \"onebar reference wallet sync\" when there is signal", o.ID)}
}

func walletSync() *cobra.Command {
	var dir string
	var wait time.Duration
	c := &cobra.Command{
		Use:   "sync",
		Short: "Send queued payments, and ask the bank about unknown outcomes",
		Example: `  onebar reference wallet sync --dir wallet
  onebar reference wallet sync --dir wallet --wait 10m`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			w, err := startWallet(dir, c.OutOrStdout(), io.Discard)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, w.Close()) }()
			ctx, cancel := context.WithTimeout(c.Context(), wait)
			defer cancel()
			return w.Sync(ctx)
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "folder of the wallet")
	c.Flags().DurationVar(&wait, "wait", time.Minute, "how long to keep trying")
	return require(c, "dir")
}

func walletHistory() *cobra.Command {
	var dir string
	var asJSON bool
	c := &cobra.Command{
		Use:   "history",
		Short: "Print every payment with every attempt",
		Long: `Print every payment with every attempt. The command only reads: it works while the
wallet is paying, and on a read-only disk.`,
		Example: `  onebar reference wallet history --dir wallet
  onebar reference wallet history --dir wallet --json   # one JSON object a line`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			q, _, err := readQueue(dir)
			if err != nil {
				return err
			}
			hs, err := outbox.ReadHistory(q)
			if err != nil {
				return err
			}
			return printHistory(newPrinter(c.OutOrStdout(), asJSON), hs)
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "folder of the wallet")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON Lines: an object for each payment")
	return require(c, "dir")
}

func printHistory(p *printer, hs []outbox.PaymentHistory) error {
	p.head("ORDER", "TO", "AMOUNT", "CURRENCY", "CREATED", "STATE", "ATTEMPTS", "TRANSFER OR REASON", "KEY")
	for _, h := range hs {
		note := h.Reason
		if h.State == outbox.Confirmed && h.Answer != nil {
			note = fmt.Sprint(h.Answer.Transfer)
		}
		p.row(paymentOf(h), h.Order, h.Payee, h.Amount, h.Currency, moment(h.Created), h.State, len(h.Attempts), note, h.Key)
	}
	p.head("ORDER", "ATTEMPT", "BEGAN", "TOOK", "REQUEST", "CONNECTION", "RESULT", "KEY")
	for _, h := range hs {
		for _, a := range h.Attempts {
			ask, conn, result := "pay", "open", "answered"
			if a.Asked {
				ask = "status"
			}
			if a.Dialed {
				conn = "new"
			}
			if a.Error != "" {
				result = a.Error
			}
			p.row(nil, h.Order, a.N, moment(a.Began.UnixMilli()), a.Took.Round(time.Millisecond), ask, conn, result, h.Key)
		}
	}
	return p.flush()
}
