package cli

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/reference/bank"
	"github.com/onebar/onebar/reference/channel/noise"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/vault"
)

// bankKeys is the content of bank.json.
type bankKeys struct {
	Static   vault.Secret `json:"static"`   // X25519
	Receipts vault.Secret `json:"receipts"` // Ed25519 seed
}

func bankCommand() *cobra.Command {
	return group("bank", "A bank: a double-entry ledger that wallets pay through",
		bankInit(), bankEnroll(), bankServe(), bankLedger())
}

func bankInit() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:     "init",
		Short:   "Create a bank: its keys and an empty ledger",
		Example: "  onebar reference bank init --dir bank",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			static, err := noise.NewKeyPair(nil)
			if err != nil {
				return err
			}
			public, receipts, err := ed25519.GenerateKey(rand.Reader)
			if err != nil {
				return fmt.Errorf("draw the receipt key: %w", err)
			}
			text := bankKeyText(static.Public, public)
			keys := bankKeys{Static: static.Private, Receipts: vault.Secret(receipts.Seed())}
			if err := initialize(dir, "bank", keys, text, func() error { return makeLedger(dir, receipts) }); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "public key of the bank, for its wallets (also in %s):\n%s\n", filepath.Join(dir, "bank.pub"), text)
			return err
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "folder of the bank; it is created if it does not exist")
	return require(c, "dir")
}

func makeLedger(dir string, receipts ed25519.PrivateKey) error {
	l, err := bank.OpenLedger(bank.LedgerConfig{Path: ledgerPath(dir), Receipts: receipts, Create: true})
	if err == nil {
		err = l.Close()
	}
	if err != nil {
		return err
	}
	return audited(dir, func(a *bank.Audit) error {
		accounts, err := a.Balances()
		if err == nil && len(accounts) > 0 {
			err = fmt.Errorf("%s holds accounts, but its bank.json is missing: put that back, or choose another --dir", dir)
		}
		return err
	})
}

// openBank is an open ledger with its keys and its lock: no other program writes it.
type openBank struct {
	*bank.Ledger
	static   noise.KeyPair
	receipts ed25519.PublicKey
	lock     io.Closer
}

// open opens the bank in dir for writing, with the limits and the log of cfg. The
// caller closes it.
func open(dir string, cfg bank.LedgerConfig) (*openBank, error) {
	var keys bankKeys
	if err := readKeys(dir, "bank", &keys); err != nil {
		return nil, err
	}
	static, err := noise.KeyPairOf(keys.Static)
	if err != nil {
		return nil, err
	}
	// A bank keeps its accounts in memory and would not see what another program
	// writes.
	lock, err := lockDir(dir, "bank")
	if err != nil {
		return nil, err
	}
	receipts := ed25519.NewKeyFromSeed(keys.Receipts[:])
	cfg.Path, cfg.Receipts = ledgerPath(dir), receipts
	l, err := bank.OpenLedger(cfg)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &openBank{Ledger: l, static: static, receipts: receipts.Public().(ed25519.PublicKey), lock: lock}, nil
}

// Close closes the ledger and its lock.
func (b *openBank) Close() error { return errors.Join(b.Ledger.Close(), b.lock.Close()) }

func ledgerPath(dir string) string { return filepath.Join(dir, "ledger.db") }

func bankEnroll() *cobra.Command {
	var dir, certificate string
	var a bank.Account
	c := &cobra.Command{
		Use:   "enroll",
		Short: "Open an account for a wallet or a merchant",
		Long: `Open an account. With --key, the wallet with that certificate can pay from it.
Without --key, it is a merchant's account, which can only be paid. Stop "bank serve"
first.`,
		Example: `  onebar reference bank enroll --dir bank --account shop --currency KES
  onebar reference bank enroll --dir bank --account alice --key "$(cat wallet/wallet.pub)" --currency KES --opening 100000`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if certificate != "" {
				if a.Certificate, err = pay.ParseCertificate(certificate); err != nil {
					return fmt.Errorf("--key: %w; it is in wallet.pub of the wallet's folder", err)
				}
			}
			b, err := open(dir, bank.LedgerConfig{})
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, b.Close()) }()
			if err := b.Enroll(c.Context(), a); err != nil {
				return err
			}
			opening, err := openingOf(dir, a.Name)
			if err != nil {
				return err
			}
			if opening != a.Opening {
				return fmt.Errorf("account %s was opened before, with %d minor units of %s: an opening balance is given once", a.Name, opening, a.Currency)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "account %s is open, with an opening balance of %d minor units of %s\n", a.Name, opening, a.Currency)
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&dir, "dir", "", "folder of the bank")
	f.StringVar(&a.Name, "account", "", "name of the account; payments use it as their payee")
	f.StringVar(&certificate, "key", "", "certificate of the wallet that pays from the account, in hexadecimal (default: no wallet)")
	f.StringVar(&a.Currency, "currency", "", "ISO 4217 code, such as KES")
	f.Int64Var(&a.Opening, "opening", 0, "opening balance in minor units")
	return require(c, "dir", "account", "currency")
}

// audited opens the ledger of the bank in dir for reading, calls look, and closes it.
func audited(dir string, look func(*bank.Audit) error) error {
	a, err := bank.OpenAudit(ledgerPath(dir), "")
	if err != nil {
		return fmt.Errorf("%w: is there a bank in %s?", err, dir)
	}
	return errors.Join(look(a), a.Close())
}

// verify returns what is wrong with the ledger.
func verify(a *bank.Audit) error {
	if err := a.Verify(); err != nil {
		return fmt.Errorf("the books are wrong: %w", err)
	}
	return nil
}

func openingOf(dir, account string) (opening int64, err error) {
	err = audited(dir, func(a *bank.Audit) error {
		balances, err := a.Balances()
		for _, b := range balances {
			if b.Account == account {
				opening = b.Opening
			}
		}
		return err
	})
	return opening, err
}

func bankLedger() *cobra.Command {
	var dir string
	var asJSON bool
	c := &cobra.Command{
		Use:   "ledger",
		Short: "Print the transfers and balances, and verify the books",
		Long: `Print every transfer and balance, and verify the books: entries sum to zero, each
balance is the sum of its entries, and answers agree with transfers. The command only
reads: it works while the bank is serving, and on a read-only disk. Amounts are in
minor units.`,
		Example: `  onebar reference bank ledger --dir bank
  onebar reference bank ledger --dir bank --json   # one JSON object a line`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return audited(dir, func(a *bank.Audit) error {
				if err := printLedger(newPrinter(c.OutOrStdout(), asJSON), a); err != nil {
					return err
				}
				if err := verify(a); err != nil || asJSON {
					return err
				}
				_, err := fmt.Fprintln(c.OutOrStdout(), "\nThe books are right.")
				return err
			})
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "folder of the bank")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON Lines: an object for each transfer and each balance")
	return require(c, "dir")
}

func printLedger(p *printer, a *bank.Audit) error {
	p.head("TRANSFER", "BOOKED", "PAYER", "PAYEE", "AMOUNT", "CURRENCY", "ORDER", "KEY")
	for t, err := range a.Transfers() {
		if err != nil {
			return err
		}
		p.row(transferOf(t), t.ID, moment(t.Booked), t.Payer, t.Payee, t.Amount, t.Currency, t.Order, t.Key)
	}
	balances, err := a.Balances()
	if err != nil {
		return err
	}
	p.head("ACCOUNT", "OPENING", "BALANCE", "CURRENCY")
	for _, b := range balances {
		if !b.Equity {
			p.row(balanceOf(b), b.Account, b.Opening, b.Closing, b.Currency)
		}
	}
	return p.flush()
}
