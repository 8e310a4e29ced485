package outbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/pay"
)

// lived is a queue with some history, in files as they are while it is open or
// after it was closed.
type lived struct {
	files map[string][]byte
	want  []PaymentHistory
}

func live(t *testing.T, closed bool) lived {
	t.Helper()
	dir := t.TempDir()
	s := openStore(t, filepath.Join(dir, "wallet.db"))
	for i := range 12 {
		p, _, err := s.Accept(testPayment(i, fmt.Sprint("order-", i)))
		require.NoError(t, err)
		if i%4 == 0 {
			continue
		}
		require.NoError(t, s.Change(new(p.With(Sent)), Queued, nil))
		attempt := func(n int, err string) *Attempt {
			return &Attempt{N: n, Began: time.Unix(int64(1000*i+n), 0), Took: time.Duration(n) * time.Second, Dialed: true, Error: err}
		}
		lost := p.With(Unknown)
		lost.Reason = "no answer within 3s"
		require.NoError(t, s.Change(&lost, Sent, attempt(1, lost.Reason)))
		require.NoError(t, s.Change(&lost, Unknown, attempt(2, lost.Reason)))
		if i%4 == 1 {
			continue
		}
		done := p.With(Confirmed)
		done.Answer = &pay.Answer{Key: p.Key, Result: pay.Confirmed, Transfer: int64(i), At: 1_790_000_000_000, Receipt: make([]byte, pay.ReceiptSize)}
		if i%4 == 2 {
			done = p.With(Declined)
			done.Answer = &pay.Answer{Key: p.Key, Result: pay.Declined, Reason: pay.NoFunds, At: 1_790_000_000_000, Receipt: make([]byte, pay.ReceiptSize)}
		}
		require.NoError(t, s.Change(&done, Unknown, attempt(3, "")))
	}
	hs, err := s.History()
	require.NoError(t, err)
	if closed {
		require.NoError(t, s.Close())
	}
	l := lived{files: map[string][]byte{}, want: hs}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		l.files[e.Name()] = b
	}
	return l
}

// caught says what noticed an error, or "nothing" if the history is right.
func caught(err error) string {
	for _, c := range []string{
		"checksum", "steps that were stored", "it was not made with", "the tables it was made with", "state that there is not",
		"answer that no bank gives", "but not a wallet queue", "has format", "there is no wallet queue", "not a database", "malformed", "the file is damaged",
	} {
		if err != nil && strings.Contains(err.Error(), c) {
			return c
		}
	}
	if err != nil {
		return "SQLite"
	}
	return "nothing, the same history"
}

// TestDamageIsNeverAnotherHistory flips single bits of a queue's files, and cuts
// them short, and then reads them in both ways there are: each time the history
// is the same, or an error names the file.
func TestDamageIsNeverAnotherHistory(t *testing.T) {
	stride := 1
	if testing.Short() {
		stride = 10
	}
	for name, closed := range map[string]bool{"closed": true, "killed, with a log": false} {
		t.Run(name, func(t *testing.T) {
			l := live(t, closed)
			for file, content := range l.files {
				counts := map[string]int{}
				flips, cuts := 120/stride, 20/stride
				for i := range flips {
					bit := (i*2654435761 + i/7) % (8 * len(content)) // spread over the file
					damaged := append([]byte(nil), content...)
					damaged[bit/8] ^= 1 << (bit % 8)
					counts[l.read(t, file, damaged, fmt.Sprintf("%s, bit %d of byte %d", file, bit%8, bit/8))]++
				}
				for i := range cuts {
					counts[l.read(t, file, content[:i*len(content)/cuts], fmt.Sprintf("%s, cut at %d", file, i*len(content)/cuts))]++
				}
				t.Logf("%s: %d bits flipped, cut %d times: %v", file, flips, cuts, counts)
			}
		})
	}
}

func (l lived) read(t *testing.T, file string, content []byte, what string) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range l.files {
		if name == file {
			b = content
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
	cfg := Config{Path: filepath.Join(dir, "wallet.db")}
	hs, err := ReadHistory(cfg)
	l.judge(t, hs, err, what+", read only")
	s, err := Open(cfg)
	if err == nil {
		hs, err = s.History()
		err = errors.Join(err, s.Close())
	}
	l.judge(t, hs, err, what+", opened")
	return caught(err)
}

func (l lived) judge(t *testing.T, hs []PaymentHistory, err error, what string) {
	t.Helper()
	if err != nil {
		require.ErrorContains(t, err, "wallet.db", what)
		return
	}
	require.Equal(t, l.want, hs, what)
}

// TestForgedAnswer: an attacker who can write to the file can also write its checksum, but not
// the bank's signature.
func TestForgedAnswer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wallet.db")
	s := openStore(t, path)
	p, _, err := s.Accept(testPayment(1, "tea"))
	require.NoError(t, err)
	require.NoError(t, s.Change(new(p.With(Sent)), Queued, nil))
	done := p.With(Confirmed)
	done.Answer = &pay.Answer{Key: p.Key, Result: pay.Confirmed, Transfer: 1, At: 1_790_000_000_000, Receipt: make([]byte, pay.ReceiptSize)}
	require.NoError(t, s.Change(&done, Sent, nil))
	require.NoError(t, s.Close())
	var asked *pay.Payment
	cfg := Config{Path: path, Verify: func(p *pay.Payment, _ *pay.Answer) error {
		asked = p
		return errors.New("no signature")
	}}
	_, err = ReadHistory(cfg)
	require.ErrorContains(t, err, "row 1 of table payment has an answer that the bank did not give: no signature")
	require.ErrorIs(t, err, ErrDamaged)
	require.Equal(t, p.Payment, *asked)
	s, err = Open(cfg)
	require.NoError(t, err)
	defer s.Close()
	_, err = s.History()
	require.ErrorIs(t, err, ErrDamaged)
	_, _, err = s.Accept(testPayment(2, "tea"))
	require.ErrorIs(t, err, ErrDamaged, "who knows whether it was paid")
}

// TestLostQueue: a queue that is not there, or not as far as it was, is refused
// with what to do.
func TestLostQueue(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{Path: filepath.Join(dir, "wallet.db")}
	_, err := Open(cfg)
	require.ErrorContains(t, err, "there is no wallet queue")
	require.ErrorContains(t, err, "put it back")
	require.NoError(t, os.WriteFile(cfg.Path, nil, 0o600))
	_, err = Open(cfg)
	require.ErrorContains(t, err, "there is no wallet queue", "an empty file is none")

	s, err := Create(cfg)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	s, err = Create(cfg)
	require.NoError(t, err, "one that is empty is as good as new")
	_, _, err = s.Accept(testPayment(1, "tea"))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	before, err := os.ReadFile(cfg.Path)
	require.NoError(t, err)
	_, err = Create(cfg)
	require.ErrorIs(t, err, os.ErrExist)

	s, err = Open(cfg)
	require.NoError(t, err)
	_, _, err = s.Accept(testPayment(2, "bun"))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, os.WriteFile(cfg.Path, before, 0o600))
	_, err = Open(cfg)
	require.ErrorContains(t, err, "it holds 1 of the 2 steps that were stored")
	require.ErrorIs(t, err, ErrDamaged)
	require.NoError(t, os.Remove(cfg.Path))
	_, err = Create(cfg)
	require.ErrorIs(t, err, os.ErrExist)
	require.ErrorContains(t, err, "it was in use")
}
