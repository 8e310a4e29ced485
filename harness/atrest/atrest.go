// Package atrest reads a ledger until it is at rest. A server may book a payment seconds
// after it has answered, from a queue, and a queue may deliver the same payment twice. A
// ledger that is read too early lacks bookings, and hides second ones.
package atrest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
)

// Reader reads a ledger until two readings, Quiet apart, are the same. It is not safe for
// concurrent use.
type Reader struct {
	Read  func(context.Context) (harness.Ledger, error)
	Quiet time.Duration // 0 reads once
	Most  time.Duration // longest wait after the first reading, but at least Quiet
	Start time.Time     // the instant of offset 0 in String

	contents []content // in the order in which they were read
	last     time.Time // when the latest reading began
}

// content is what the ledger held in one reading, or in several in a row.
type content struct {
	first    time.Time // when the first of them began
	postings int
	hash     [sha256.Size]byte
}

// Ledger returns the ledger when it is at rest, or when Most is over. Called again, it
// reads once, and waits only if the ledger has changed since. The error is that of Read or
// of ctx.
func (r *Reader) Ledger(ctx context.Context) (harness.Ledger, error) {
	for {
		l, err := r.read(ctx)
		if err != nil || r.AtRest() || r.last.Add(r.Quiet).After(r.contents[0].first.Add(max(r.Most, r.Quiet))) {
			return l, err
		}
		t := time.NewTimer(r.Quiet)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return harness.Ledger{}, context.Cause(ctx)
		}
	}
}

func (r *Reader) read(ctx context.Context) (harness.Ledger, error) {
	r.last = time.Now()
	l, err := r.Read(ctx)
	if err != nil {
		return harness.Ledger{}, err
	}
	now := content{first: r.last, postings: len(l.Postings), hash: hash(l)}
	if n := len(r.contents); n == 0 || r.contents[n-1].hash != now.hash {
		r.contents = append(r.contents, now)
	}
	return l, nil
}

// AtRest reports whether the latest readings were the same for at least Quiet.
func (r *Reader) AtRest() bool {
	n := len(r.contents)
	return n > 0 && r.last.Sub(r.contents[n-1].first) >= r.Quiet
}

// hash returns a digest of what a ledger holds, in any order.
func hash(l harness.Ledger) [sha256.Size]byte {
	var lines []string
	add := func(v any) {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err) // they are made of texts and numbers
		}
		lines = append(lines, string(b))
	}
	for _, p := range l.Postings {
		add(p)
	}
	for _, b := range l.Balances {
		add(b)
	}
	slices.Sort(lines)
	return sha256.Sum256([]byte(strings.Join(lines, "\n")))
}

// String says when the ledger was at rest, and whether it has changed before, as a
// sentence without a full stop. It is empty if nothing was read, or if Quiet is 0.
func (r *Reader) String() string {
	n := len(r.contents)
	if n == 0 || r.Quiet == 0 {
		return ""
	}
	first, now := r.contents[0], r.contents[n-1]
	text := fmt.Sprintf("the ledger was at rest at %v: unchanged since %v, with %s", r.offset(r.last), r.offset(now.first), harness.Plural(now.postings, "booking"))
	if !r.AtRest() {
		text = fmt.Sprintf("the ledger was not at rest when settle was over: it had %s at %v", harness.Plural(now.postings, "booking"), r.offset(r.last))
	}
	if n > 1 {
		text += fmt.Sprintf("; it changed after %v, when it had %d", r.offset(first.first), first.postings)
	}
	return text
}

func (r *Reader) offset(t time.Time) time.Duration { return t.Sub(r.Start).Round(time.Millisecond) }
