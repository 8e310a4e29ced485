// Package cli has the commands that run the reference pair as ordinary programs, "onebar
// reference bank" and "onebar reference wallet", over real TCP and without the harness. They
// keep everything in the folder that --dir names. Only the owner can read the files, except
// those of public keys.
package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/reference/sqlite"
)

// Command returns the command "reference" with all its subcommands. They write
// to the command's output and error streams, and end when its context does.
func Command() *cobra.Command {
	c := &cobra.Command{
		Use:   "reference",
		Short: "Run the reference wallet and bank as ordinary programs",
		Args:  cobra.NoArgs,
		RunE:  help,
		Long: `The reference pair is the payment system that "onebar run" tests unless a scenario
names another: a wallet with a durable queue, and a bank with a double-entry ledger.
They talk Noise IK over TCP. These commands run the pair without the harness. Amounts
are in minor units, such as cents.`,
		Example: `  onebar reference bank init --dir bank
  onebar reference wallet init --dir wallet --account alice --bank 127.0.0.1:7400 --bank-key "$(cat bank/bank.pub)"
  onebar reference bank enroll --dir bank --account alice --key "$(cat wallet/wallet.pub)" --currency KES --opening 100000
  onebar reference bank enroll --dir bank --account shop --currency KES
  onebar reference bank serve --dir bank &
  onebar reference wallet pay --dir wallet --order tea-1 --to shop --amount 250 --currency KES
  onebar reference wallet history --dir wallet
  onebar reference bank ledger --dir bank`,
	}
	c.AddCommand(bankCommand(), walletCommand())
	return c
}

// group returns a command that only has subcommands.
func group(use, short string, cs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: help}
	c.AddCommand(cs...)
	return c
}

func help(c *cobra.Command, _ []string) error { return c.Help() }

// An ExitError is an outcome of a payment other than success, with the exit code of the
// program.
type ExitError struct {
	Code int
	Text string
}

// Error implements error.
func (e *ExitError) Error() string { return e.Text }

// Exit codes of "wallet pay": what a script must tell apart.
const (
	exitRefused = 1 // no money has moved or will move
	exitUnknown = 3 // the payment may still be made: do not pay again
)

// require marks flags that must be given.
func require(c *cobra.Command, flags ...string) *cobra.Command {
	for _, f := range flags {
		if err := c.MarkFlagRequired(f); err != nil {
			panic(err) // the flag is not defined: a mistake in this package
		}
	}
	return c
}

func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// initialize creates a bank or a wallet, as name says, in the folder dir: it calls create
// and then writeKeys. The keys come last, so that after a failure initialize can be called
// again. It locks the folder until the keys are written, so that two programs cannot mix
// their keys.
func initialize(dir, name string, keys any, public string, create func() error) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	lock, err := lockDir(dir, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	path := filepath.Join(dir, name+".json")
	switch _, err := os.Lstat(path); {
	case err == nil:
		return fmt.Errorf("%s exists already: it holds keys, so it is not replaced; choose another --dir", path)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := create(); err != nil {
		return err
	}
	return writeKeys(dir, name, keys, public)
}

// lockDir locks the bank or the wallet in dir against other programs that lock it, until
// the lock is closed.
func lockDir(dir, name string) (io.Closer, error) {
	lock, err := sqlite.Lock(filepath.Join(dir, "lock.db"))
	if errors.Is(err, sqlite.ErrLocked) {
		err = fmt.Errorf("another program writes to the %s in %s: wait for its \"%s init\", or stop its \"bank serve\" first", name, dir, name)
	}
	return lock, err
}

// writeWhole writes a file under a temporary name first: after any failure, path is complete
// or does not exist.
func writeWhole(path string, perm fs.FileMode, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(perm), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// writeKeys writes the public file, and then the private file with the content v: if the
// private file exists, everything was created.
func writeKeys(dir, name string, v any, public string) error {
	b, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return err
	}
	if err := writeWhole(filepath.Join(dir, name+".pub"), 0o644, []byte(public+"\n")); err != nil {
		return err
	}
	if err := writeWhole(filepath.Join(dir, name+".json"), 0o600, append(b, '\n')); err != nil {
		return err
	}
	return sqlite.SyncDir(dir)
}

// readKeys reads a file that writeKeys wrote. It refuses a file that other users can read.
func readKeys(dir, name string, v any) error {
	path := filepath.Join(dir, name+".json")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no %s in %s: run \"onebar reference %s init --dir %s\" first", name, dir, name, dir)
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return private(path)
}
