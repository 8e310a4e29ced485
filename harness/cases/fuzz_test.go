package cases_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/cases"
)

// FuzzCase reads any case for a worker: it is an error, or it can be sent again.
func FuzzCase(f *testing.F) {
	for _, s := range []string{
		`{"scenario": {"name": "x", "link": {"up": {"trace": "t"}}}, "traces": [{"name": "t", "period": 1000000000, "at": [0], "rates": [5]}]}`,
		`{"scenario": {"link": {"down": {"trace": {"name": "t"}}}}, "seed": 18446744073709551615}`,
		`{"scenario": {"timeline": [{"link": {"up": {"delay": -1}}}], "nemesis": [{}]}}`, `{"traces": [{}]}`, `{}`, `null`, `[]`, ``,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var c cases.Case
		if json.Unmarshal(data, &c) != nil || c.Unpack() != nil {
			return
		}
		text, err := json.Marshal(c.Pack())
		require.NoError(t, err)
		var again cases.Case
		require.NoError(t, json.Unmarshal(text, &again))
		require.NoError(t, again.Unpack())
		second, err := json.Marshal(again.Pack())
		require.NoError(t, err)
		require.Equal(t, string(text), string(second))
	})
}
