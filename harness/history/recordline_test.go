package history

import (
	"encoding/json"
	"io"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
)

var paid = map[string]Record{
	"pay": {At: 1, Pay: &harness.Payment{
		ID: "p1", Order: "o1", Wallet: 7, Payer: "w7", Payee: "m0", Amount: 33218, Currency: "INR", Deadline: time.Minute,
	}},
	"pay without a deadline":         {At: time.Hour, Pay: &harness.Payment{ID: "p1", Amount: -1}},
	"told":                           {At: 5, Told: &harness.Told{Payment: "p1", Outcome: harness.Confirmed}},
	"told why":                       {At: 5, Told: &harness.Told{Payment: "p1", Outcome: harness.Declined, Reason: "no funds; ask (again)?"}},
	"attempt":                        {Attempt: &harness.Attempt{Payment: "p1", N: 1, Took: time.Second}},
	"attempt that failed":            {At: 9, Attempt: &harness.Attempt{Payment: "p1", N: 12, Status: true, Dialed: true, Error: "no answer within 8s"}},
	"attempt that the server failed": {Attempt: &harness.Attempt{Payment: "p1", N: 2, Took: time.Second, Answer: "HTTP 503"}},
	"attempt without a connection": {At: 9, Attempt: &harness.Attempt{
		Payment: "p1", N: 2, Dialed: true, NoConnection: true, Took: time.Second, Error: "dial tcp: connection refused",
	}},
	"committed": {At: 3, Committed: "p1"},
	"posting": {At: 4, Posting: &harness.Posting{
		ID: "16", Payment: "p1", Order: "o1", Payer: "w7", Payee: "m0", Amount: 33218, Currency: "INR",
	}},
	"posting again":   {Posting: &harness.Posting{ID: "17", Payment: "1a2b3c4d-p1", Amount: 5, Currency: "INR", Again: true}},
	"foreign posting": {At: 4, Posting: &harness.Posting{ID: "16", Amount: -5}},
}

// What a payment leaves behind takes the fast way, as encoding/json would write
// it, and arrives whole.
func TestAppendRecord(t *testing.T) {
	for name, r := range paid {
		t.Run(name, func(t *testing.T) {
			want, err := json.Marshal(r)
			require.NoError(t, err)
			line, ok := appendRecord([]byte("before"), r)
			require.True(t, ok)
			require.Equal(t, "before"+string(want)+"\n", string(line))
			line = line[len("before"):]
			got, ok := parseLine(line)
			require.True(t, ok)
			require.Equal(t, r, got)
			for n := range line {
				_, ok := parseLine(line[:n])
				require.False(t, ok, "%q is not whole", line[:n])
			}
			_, ok = parseLine(append(line, ' '))
			require.False(t, ok)
		})
	}
}

// Everything else is left to encoding/json.
func TestAppendRecordRefuses(t *testing.T) {
	for name, r := range map[string]Record{
		"nothing":           {At: 1},
		"two things":        {Committed: "p1", Told: &harness.Told{Payment: "p1"}},
		"another thing":     {Held: "p1"},
		"a quotation mark":  {Committed: `"`},
		"a backslash":       {Told: &harness.Told{Reason: `\`}},
		"a line":            {Attempt: &harness.Attempt{Error: "a\nb"}},
		"HTML":              {Attempt: &harness.Attempt{Error: "<b>"}},
		"an ampersand":      {Committed: "&"},
		"more than ASCII":   {Committed: "é"},
		"not UTF-8":         {Committed: "\xff"},
		"a line separator":  {Pay: &harness.Payment{Payee: "\u2028"}},
		"an unprinted byte": {Posting: &harness.Posting{Order: "\x7f"}},
	} {
		t.Run(name, func(t *testing.T) {
			line, ok := appendRecord([]byte("before"), r)
			require.False(t, ok)
			require.Equal(t, "before", string(line))
		})
	}
	for name, line := range map[string]string{
		"nothing committed": `{"at":1,"committed":""}`,
		"an escape":         `{"at":1,"committed":"\u0031"}`,
		"another order":     `{"committed":"p1","at":1}`,
		"a space":           `{"at": 1,"committed":"p1"}`,
		"another outcome":   `{"at":1,"told":{"payment":"p1","outcome":"lost"}}`,
	} {
		_, ok := parseLine([]byte(line + "\n"))
		require.False(t, ok, name)
	}
}

// Whatever the fast reader accepts is what encoding/json reads, and the fast
// writer writes what encoding/json would.
func FuzzParseLine(f *testing.F) {
	for _, r := range paid {
		line, _ := appendRecord(nil, r)
		f.Add(line)
	}
	f.Add([]byte(`{"at":-0,"told":{"payment":"","outcome":"","reason":"&"}}` + "\n"))
	f.Fuzz(func(t *testing.T, line []byte) {
		got, ok := parseLine(line)
		if !ok {
			require.Zero(t, got)
			return
		}
		want, err := parseJSON(line)
		require.NoError(t, err)
		require.Equal(t, want, got)
		if again, ok := appendRecord(nil, got); ok {
			b, err := json.Marshal(got)
			require.NoError(t, err)
			require.Equal(t, string(b)+"\n", string(again))
		}
	})
}

func BenchmarkHistoryRecord(b *testing.B) {
	h := New(io.Discard, time.Now())
	r := paid["pay"]
	b.ReportAllocs()
	for b.Loop() {
		h.Record(r)
	}
	require.NoError(b, h.Close())
}

func BenchmarkParseRecord(b *testing.B) {
	line, ok := appendRecord(nil, Record{At: math.MaxInt32, Pay: paid["pay"].Pay})
	require.True(b, ok)
	b.ReportAllocs()
	for b.Loop() {
		_, err := parseRecord(line)
		require.NoError(b, err)
	}
}
