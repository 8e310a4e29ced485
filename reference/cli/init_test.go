package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	must "github.com/stretchr/testify/require" // this package has a require of its own
)

// TestLostLedgerIsNotMadeAnew: only "bank init" makes a ledger.
func TestLostLedgerIsNotMadeAnew(t *testing.T) {
	w := newTown(t)
	ledger := filepath.Join(w.bank, "ledger.db")
	kept := filepath.Join(t.TempDir(), "kept.db")
	must.NoError(t, os.Rename(ledger, kept))
	for _, words := range [][]string{
		{"bank", "serve", "--dir", w.bank, "--listen", "127.0.0.1:0"},
		{"bank", "enroll", "--dir", w.bank, "--account", "shop", "--currency", "KES"},
	} {
		fails(t, "there is no ledger "+ledger+": if it was lost, put it back", words...)
		assert.NotContains(t, names(t, w.bank), "ledger.db")
	}
	must.NoError(t, os.Rename(kept, ledger))
	w.serve("127.0.0.1:0")()
}

// inits returns the words that make a bank, and a wallet, in a folder.
func inits(dir string) map[string][]string {
	return map[string][]string{
		"bank":   {"bank", "init", "--dir", dir},
		"wallet": {"wallet", "init", "--dir", dir, "--account", "a", "--bank", "h:1", "--bank-key", strings.Repeat("ab", 64)},
	}
}

// lateKeys are keys whose writing calls a function.
type lateKeys func()

// MarshalJSON implements json.Marshaler.
func (k lateKeys) MarshalJSON() ([]byte, error) { k(); return []byte("{}"), nil }

// TestInitKeepsOthersOut until the keys are written.
func TestInitKeepsOthersOut(t *testing.T) {
	for name := range inits("") {
		t.Run(name, func(t *testing.T) {
			dir, called := t.TempDir(), 0
			other := lateKeys(func() { called++; fails(t, "another program writes to the "+name, inits(dir)[name]...) })
			must.NoError(t, initialize(dir, name, other, "public", func() error { return nil }))
			assert.Equal(t, 1, called)
			fails(t, "exists already", inits(dir)[name]...)
			assert.Equal(t, "public\n", read(t, dir, name+".pub"))
		})
	}
}

// TestInitsAtOnce: one of many makes it, and has printed the public key that is there.
func TestInitsAtOnce(t *testing.T) {
	for name := range inits("") {
		t.Run(name, func(t *testing.T) {
			for round := range 5 {
				dir := filepath.Join(t.TempDir(), fmt.Sprint(round))
				var wg sync.WaitGroup
				made := make(chan string, 8)
				for range cap(made) {
					wg.Go(func() {
						var out bytes.Buffer
						if onebar(t.Context(), &out, inits(dir)[name]...) == nil {
							made <- out.String()
						}
					})
				}
				wg.Wait()
				must.Len(t, made, 1)
				assert.True(t, strings.HasSuffix(<-made, read(t, dir, name+".pub")))
			}
		})
	}
}

// TestRefusalsHaveABound: the flag reaches the ledger.
func TestRefusalsHaveABound(t *testing.T) {
	w := newTown(t)
	w.serve("127.0.0.1:0")()
	w.open()
	defer w.serve(w.address, "--max-refused", "1")()
	assert.Equal(t, exitRefused, exitCode(t, w.pay("car", "5000")...))
	assert.Equal(t, exitUnknown, exitCode(t, w.pay("house", "50000", "--wait", "1s")...))
	must.NoError(t, onebar(t.Context(), io.Discard, w.pay("tea", "250")...))
}
