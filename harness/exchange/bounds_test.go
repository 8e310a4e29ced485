package exchange

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/exchange/language"
	"github.com/onebar/onebar/harness/sut"
)

// TestBounds evaluates single lines that would take days or gigabytes.
func TestBounds(t *testing.T) {
	if testing.Short() {
		t.Skip("a line ends after about a second")
	}
	double := func(first, next, last string, times int) string {
		var b strings.Builder
		b.WriteString("let a0 = " + first + "; ")
		for i := range times {
			b.WriteString(strings.NewReplacer("OLD", "a"+string(rune('a'+i)), "NEW", "a"+string(rune('b'+i))).Replace(next))
		}
		return strings.ReplaceAll(b.String()+last, "a0", "aa")
	}
	body := answer(200, `{"text": "`+strings.Repeat("x", 1<<20)+`"}`)
	for name, text := range map[string]string{
		"loops":            `let r = 1..900000; all(r, any(r, # < 0) == false)`,
		"a loop in a loop": `let r = 1..900000; all(r, count(r, # > 0) > 0)`,
		"a sum":            `let r = 1..900000; sum(r, sum(r, #)) > 0`,
		"texts":            `let s = repeat("x", 900000); len(map(1..900000, s + string(#))) > 0`,
		"a doubled text":   double(`"xxxxxxxxxx"`, "let NEW = OLD + OLD; ", "len(ak) > 0", 25) + ` and len(az) > 0`,
		"a list of lists":  `let a = 1..900000; len(flatten(map(1..900000, a))) > 0`,
		"concat":           `let a = 1..900000; len(map(1..10000, concat(a, a, a))) > 0`,
		"join":             `let s = repeat("x", 900000); len(join(map(1..90000, s))) > 0`,
		"join with a glue": `len(join(map(1..90000, "x"), repeat("x", 900000))) > 0`,
		"replace":          `len(replace(repeat("x", 900000), "x", repeat("y", 900000))) > 0`,
		"repeat":           `len(repeat(repeat("x", 900000), 900000)) > 0`,
		"replace nothing":  `len(replace(repeat("x", 900000), "", repeat("y", 900000))) > 0`,
		"JSON":             `let s = repeat("x", 900000); len(toJSON(map(1..90000, s))) > 0`,
		"JSON of ours":     `let s = repeat("x", 900000); len(json(map(1..90000, s))) > 0`,
		"string":           `let s = repeat("x", 900000); len(string(map(1..90000, s))) > 0`,
		"a deep list":      `len(string(reduce(1..400000, [#acc]))) > 0`,
		"deep lists":       `reduce(1..200000, [#acc]) == reduce(1..200000, [#acc])`,
		"deep mappings":    `reduce(1..400000, ({"a": #acc})) == reduce(1..400000, ({"a": #acc}))`,
		"billion laughs":   double("[1, 1]", "let NEW = [OLD, OLD]; ", "max(ay) > 0", 24),
		"uniq":             `len(uniq(1..900000)) > 0`,
		"a list for each":  `len(map(1..900000, map(1..1, [1,2,3,4,5,6,7,8,9]))) > 0`,
		"a regexp":         `let t = body.text; all(1..900000, not (t matches "(x+x+)+y"))`,
	} {
		t.Run(name, func(t *testing.T) {
			c := &compiler{}
			rules := c.rules("outcomes", []sut.HTTPRule{
				{When: text, Outcome: "confirmed"}, {When: "true", Outcome: "confirmed"},
			}, nil, "", runScope())
			require.Empty(t, c.problems)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begin := time.Now()
			m, why := rules.Judge(body, Vars{})
			took := time.Since(begin)
			runtime.ReadMemStats(&after)
			t.Logf("%v, %d MiB", took, (after.TotalAlloc-before.TotalAlloc)>>20)
			require.Equal(t, Unknown, m)
			require.Contains(t, why, "2,000,000 items", "a rule beyond its bounds is none that does not match")
			require.Less(t, took, 10*time.Second)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<30))
		})
	}
}

// TestInterrupted ends an evaluation when the run ends.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	e, p := language.Compile(`let r = 1..900000; all(r, all(r, # > 0) and body != "`+strings.Repeat("x", 10)+`")`, answerScope(), true)
	require.Nil(t, p)
	cancel()
	begin := time.Now()
	_, err := e.Yes(answer(200, "").vars().With(language.Until(ctx)))
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, time.Since(begin), time.Second)
}

// TestAMatchIsInterrupted ends the match of one long text when the run ends: it leaves nothing
// that goes on.
func TestAMatchIsInterrupted(t *testing.T) {
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	e, p := language.Compile(`text matches "(x{0,30}){30}y"`, answerScope(), true)
	require.Nil(t, p)
	time.AfterFunc(100*time.Millisecond, cancel)
	_, err := e.Yes(answer(200, strings.Repeat("x", 8<<20)).vars().With(language.Until(ctx)))
	require.ErrorIs(t, err, context.Canceled)
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+1 }, 2*time.Second, 10*time.Millisecond, "beside the one of Eventually")
}

// The operator matches does for long texts what it does for short ones.
func TestMatches(t *testing.T) {
	for _, n := range []int{1, 10_000} {
		v := answer(200, strings.Repeat("é", n)+"\nend 42").vars()
		for text, want := range map[string]bool{
			`text matches "^é+$"`: false, `text matches "(?m)^é+$"`: true, `text matches "end [0-9]+$"`: true,
			`text matches "é" + "z"`: false, `headers["none"] matches "x"`: false,
		} {
			e, p := language.Compile(text, answerScope(), true)
			require.Nil(t, p, text)
			is, err := e.Yes(v)
			require.NoError(t, err, text)
			require.Equal(t, want, is, "%s of %d", text, n)
		}
	}
	for text, want := range map[string]string{
		`status matches "x"`:        "matches takes two texts",
		`text matches ("(" + text)`: "missing closing",
	} {
		e, p := language.Compile(text, answerScope(), true)
		if p != nil {
			require.Contains(t, p.Reason, "matches", text)
			continue
		}
		_, err := e.Yes(answer(200, "a").vars())
		require.ErrorContains(t, err, want, text)
	}
	_, p := language.Compile(`text matches "("`, answerScope(), true)
	require.NotNil(t, p)
	require.Contains(t, p.Reason, "missing closing")
}

// TestBoundsAllow evaluates what long answers need.
func TestBoundsAllow(t *testing.T) {
	body := answer(200, `{"data": [`+strings.Repeat(`{"id": "p", "tags": ["a", "b"], "amount": 5},`, 99_999)+`{"id": "q", "tags": ["c"]}]}`)
	for name, text := range map[string]string{
		"filter":   `len(filter(body.data, #.id == "q" and any(#.tags, # == "c"))) == 1`,
		"map":      `len(map(body.data, #.id + "-" + string(#.amount))) == 100000`,
		"split":    `len(split(text, ",")) > 300000`,
		"concat":   `len(concat(body.data, body.data)) == 200000`,
		"compare":  `body.data == body.data`,
		"contains": `text contains "q" and len(join(map(body.data, #.id), ",")) == 199999`,
	} {
		t.Run(name, func(t *testing.T) {
			e, p := language.Compile(text, runScope().With(answerScope()), true)
			require.Nil(t, p)
			is, err := e.Yes(body.vars())
			require.NoError(t, err)
			require.True(t, is)
		})
	}
}
