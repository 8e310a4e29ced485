package reports

import (
	"bytes"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/radio/capture"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/sut"
)

func TestJSONRoundTrip(t *testing.T) {
	t.Parallel()
	want := batch()
	var b bytes.Buffer
	require.NoError(t, JSON(want)(&b))
	got, err := ReadJSON(&b)
	require.NoError(t, err)
	// A run that was not measured has empty lists in JSON, not null.
	want[3].Verdicts, want[3].Figures = []result.Verdict{}, result.Figures{}
	require.Equal(t, want, got)
}

func TestJSONLeavesTheResultsAlone(t *testing.T) {
	t.Parallel()
	results := []result.Result{broken()}
	require.NoError(t, JSON(results)(&bytes.Buffer{}))
	require.Equal(t, broken(), results[0])
}

func TestJSONNamesTheFigureItCannotHold(t *testing.T) {
	t.Parallel()
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		r := passing()
		r.Figures = append(r.Figures, result.Figure{Name: "p99(confirm)", Value: v})
		var b bytes.Buffer
		require.ErrorContains(t, JSON([]result.Result{r})(&b), "write JSON report: tunnel: figure p99(confirm) is ")
		require.Zero(t, b.Len(), "half a report was written")
	}
}

func TestReadJSONRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"nothing":            {"", "read JSON report: EOF"},
		"half of it":         {`{"version":1,"resu`, "read JSON report: unexpected EOF"},
		"another version":    {`{"version":2}`, "read JSON report: it is version 2, and this onebar reads version 1"},
		"something else":     {`{"at":0}`, "read JSON report: it is version 0, and this onebar reads version 1"},
		"two reports":        {`{"version":1}{"version":1}`, "read JSON report: something follows the report: keep one report a file"},
		"an unknown verdict": {`{"version":1,"results":[{"status":"fine"}]}`, `read JSON report: status "fine" is not one of unknown, pass, fail, n/a`},
	} {
		got, err := ReadJSON(strings.NewReader(c.text))
		require.EqualError(t, err, c.want, name)
		require.Nil(t, got, name)
	}
}

func TestEveryJSONKeyIsDocumented(t *testing.T) {
	t.Parallel()
	for page, c := range map[string]struct {
		types []reflect.Type
		most  int // there are more keys
	}{
		"result.md":    {[]reflect.Type{reflect.TypeFor[document](), reflect.TypeFor[result.Sweep](), reflect.TypeFor[result.Exploration]()}, 110},
		"baselines.md": {[]reflect.Type{reflect.TypeFor[result.Comparison]()}, 20},
		"energy.md":    {[]reflect.Type{reflect.TypeFor[capture.Document]()}, 20},
	} {
		doc, err := os.ReadFile("../docs/" + page)
		require.NoError(t, err)
		keys := map[string]bool{}
		seen := map[reflect.Type]bool{}
		for _, typ := range c.types {
			collectKeys(typ, keys, seen)
		}
		require.Greater(t, len(keys), c.most, "the walk over the types has lost its way")
		for key := range keys {
			require.True(t, strings.Contains(string(doc), "`"+key+"`"), "docs/%s says nothing about the key %q", page, key)
		}
	}
}

// collectKeys walks over what a JSON document may hold.
func collectKeys(typ reflect.Type, keys map[string]bool, seen map[reflect.Type]bool) {
	switch typ.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		collectKeys(typ.Elem(), keys, seen)
	case reflect.Struct:
		if seen[typ] || typ.PkgPath() == "time" || typ == reflect.TypeFor[sut.Config]() {
			return // of the last docs/scenarios.md has the keys
		}
		seen[typ] = true
		for f := range typ.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name != "" && name != "-" {
				keys[name] = true
			}
			collectKeys(f.Type, keys, seen)
		}
	default:
	}
}

// What is read can be written, and reads the same again; what cannot be read
// yields nothing.
func FuzzReadJSON(f *testing.F) {
	var b bytes.Buffer
	require.NoError(f, JSON(batch()[2:])(&b))
	f.Add(b.Bytes())
	f.Add([]byte(`{"version":1,"results":[{"seed":18446744073709551615,"verdicts":null,"figures":[{"name":"x","unit":"joules","value":1e-300}]}]}`))
	f.Add([]byte(`{"version":1,"results":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		results, err := ReadJSON(bytes.NewReader(data))
		if err != nil {
			require.Nil(t, results)
			return
		}
		var first, second bytes.Buffer
		if err := JSON(results)(&first); err != nil {
			// Such as a year beyond 9999, which JSON reads but does not write.
			t.Skip(err)
		}
		again, err := ReadJSON(bytes.NewReader(first.Bytes()))
		require.NoError(t, err)
		require.NoError(t, JSON(again)(&second))
		require.Equal(t, first.String(), second.String())
		for _, write := range writers() {
			require.NoError(t, write(results)(&second))
		}
	})
}
