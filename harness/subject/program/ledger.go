package program

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/harness/sut"
)

// Ledger runs a program that prints what has been booked: one JSON object on each line,
// with exactly one of the keys posting and account, see docs/endpoints.md. It is a
// subject.Ledger, a subject.Opener and a harness.Noter.
type Ledger struct {
	config sut.Program
	base   string
	subject.Whole
}

// NewLedger returns a ledger. Relative folders are relative to base.
func NewLedger(c sut.Program, base string) *Ledger {
	l := &Ledger{config: c, base: base}
	l.All = l.all
	return l
}

// ledgerWithin is the time limit for printing a ledger.
const ledgerWithin = 2 * time.Minute

// all returns what the program prints, with the server's names.
func (l *Ledger) all(ctx context.Context, env *subject.Env) (harness.Ledger, error) {
	dir, err := stateDir(env)
	if err != nil {
		return harness.Ledger{}, err
	}
	words := map[string]string{"server": env.Server, "dir": dir}
	maps.Copy(words, env.Beside)
	c, err := configOf("the ledger program", l.config, l.base, words)
	if err != nil {
		return harness.Ledger{}, err
	}
	c.LogFile = filepath.Join(dir, "ledger.log")
	printed, err := output(ctx, c)
	if err != nil {
		return harness.Ledger{}, err
	}
	return parseLedger(printed)
}

// output runs a program until it ends and returns what it has printed.
func output(ctx context.Context, c Config) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, ledgerWithin)
	defer cancel()
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	c.Stdout = write
	p, err := Start(c)
	write.Close()
	if err != nil {
		return nil, err
	}
	defer p.Kill()
	stop := context.AfterFunc(ctx, p.Kill)
	defer stop()
	printed, err := io.ReadAll(read)
	if err != nil {
		return nil, fmt.Errorf("read what %s prints: %w", c.Name, err)
	}
	select {
	case <-p.Done():
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%s did not end within %v: %w; %s", c.Name, ledgerWithin, ctx.Err(), p.LastLines())
	}
	if p.err != nil {
		return nil, fmt.Errorf("%s failed: %w; %s", c.Name, p.err, p.LastLines())
	}
	return printed, nil
}

// ledgerLine is one line of what the program prints.
type ledgerLine struct {
	Posting *harness.Posting `json:"posting"`
	Account *struct {
		Account  string `json:"account"`
		Currency string `json:"currency"`
		Balance  int64  `json:"balance"` // minor units
		Floor    *int64 `json:"floor"`   // minor units; it must never hold less
	} `json:"account"`
}

// parseLedger reads the lines of a ledger.
func parseLedger(printed []byte) (harness.Ledger, error) {
	var l harness.Ledger
	n := 0
	for line := range bytes.Lines(printed) {
		n++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var got ledgerLine
		if err := strictly(line, &got); err != nil {
			return harness.Ledger{}, fmt.Errorf("line %d of what the ledger program printed is no posting and no account: %w; it is %s", n, err, excerpt(line))
		}
		switch {
		case got.Posting != nil && got.Account == nil:
			l.Postings = append(l.Postings, *got.Posting)
		case got.Account != nil && got.Posting == nil:
			a := got.Account
			b := harness.Balance{Account: a.Account, Currency: a.Currency, Closing: a.Balance, NoFloor: a.Floor == nil}
			if a.Floor != nil {
				b.Floor = *a.Floor
			}
			l.Balances = append(l.Balances, b)
		default:
			return harness.Ledger{}, fmt.Errorf("line %d of what the ledger program printed needs one of the keys posting and account; it is %s", n, excerpt(line))
		}
	}
	return l, nil
}

// strictly decodes one JSON object. Unknown keys are an error.
func strictly(line []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.InputOffset() < int64(len(bytes.TrimRight(line, " \t\r\n"))) {
		return errors.New("something stands after the object")
	}
	return nil
}

// excerpt returns the beginning of a line for a message, quoted.
func excerpt(line []byte) string {
	const most = 120
	line = bytes.TrimRight(line, "\r\n")
	if len(line) > most {
		return fmt.Sprintf("%q…", line[:most])
	}
	return fmt.Sprintf("%q", line)
}
