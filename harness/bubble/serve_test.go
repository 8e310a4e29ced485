package bubble

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzServe sends a worker any input: it does the jobs there are, answers each with one
// line, and ends.
func FuzzServe(f *testing.F) {
	for _, s := range []string{
		`{"job": "a"}` + "\n" + `{"job": {"x": [1]}}`, `{"cancel": true}{"job": 1}{"cancel": true}`, `{"job": null}`, `{}`, `[]`, `null`, ``,
		`{"job": "a"} {"job": `, `{"job": "fail"}{"job": "panic"}{"job": 2}`, "\x00",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		var out bytes.Buffer
		jobs := 0
		err := Serve(t.Context(), bytes.NewReader(input), &out, func(_ context.Context, job json.RawMessage, news func(any)) (any, error) {
			jobs++
			news(job)
			switch string(job) {
			case `"fail"`:
				return nil, errors.New("this one not")
			case `"panic"`:
				return nil, &Failure{Kind: Panic, Text: "panic"}
			}
			return job, nil
		})
		if err != nil {
			require.ErrorContains(t, err, "read a job: ")
		}
		done := 0
		for lines := bufio.NewScanner(&out); lines.Scan(); {
			if len(lines.Bytes()) == 0 {
				continue
			}
			r, ok := responseOf(lines.Bytes())
			require.True(t, ok, lines.Text())
			if r.Done {
				done++
			}
		}
		require.Equal(t, jobs, done)
	})
}

// FuzzResponse reads any line of a worker's output, into which its job may have printed.
func FuzzResponse(f *testing.F) {
	for _, s := range []string{`{"done": true, "answer": {}}`, `{"news": 1}`, `{"news": null}`, `{}`, `{"done": "yes"}`, `printed`, `{"done": true, "failure": {"kind": "panic", "goroutines": [{}]}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		r, ok := responseOf(line)
		if !ok {
			require.Zero(t, r)
			return
		}
		text, err := json.Marshal(r)
		require.NoError(t, err)
		again, ok := responseOf(text)
		require.True(t, ok)
		once, err := json.Marshal(again)
		require.NoError(t, err)
		require.Equal(t, string(text), string(once))
	})
}
