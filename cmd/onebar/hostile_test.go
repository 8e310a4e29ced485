package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

// TestNoControlCharacters has the program speak of files with names and content
// that would change a terminal.
func TestNoControlCharacters(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	title := file("title.yaml", "onebar: 1\nname: \"\u009b31mred\"\nworkload: {payments: 1, amount: 1 EUR}\n")
	unknown := file("unknown.yaml", "onebar: 1\nname: x\n\"\u009b31m\u202edef\": 1\nworkload: {payments: 1, amount: 1 EUR}\n")
	escape := file("escape.yaml", "onebar: 1\nname: \"\x1b]0;owned\a\"\n")
	history := file("history.jsonl", "{\"at\":0,\"\x1b[2J\":1}\n")
	for _, args := range [][]string{
		{"run", "x\x1b]0;owned\a.yaml"},
		{"run", title},
		{"validate", title, unknown, escape},
		{"check", history, "y\x1b[31m"},
		{"show", "\x1b[31m"},
	} {
		t.Run(args[0], func(t *testing.T) {
			var out bytes.Buffer
			require.NotZero(t, execute(t.Context(), args, &out, &out))
			require.NotEmpty(t, out.String())
			at := strings.IndexFunc(out.String(), func(r rune) bool {
				return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
			})
			require.Negative(t, at, "%q", out.String())
		})
	}
}

// TestNoLinesOfForeignFiles has the program read a file with secrets in the place of
// each kind of file, as a link in a folder of scenarios can make it.
func TestNoLinesOfForeignFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	for name, text := range map[string]string{
		"text": "root:SECRET:1:2\nSECRET SECRET\n", "keys": "key: SECRET\nSECRET: {x: [SECRET]}\n",
		"no YAML": "key: SECRET: x\n  - SECRET\n", "JSON": `{"SECRET": "SECRET"}` + "\n", "a line": "SECRET",
	} {
		secret := file("secret.yaml", text)
		scenario := "onebar: 1\nname: s\nworkload: {payments: 1, amount: 1 EUR}\n"
		radio := file("radio.yaml", scenario+"link: lte\nradio: ./secret.yaml\n")
		trace := file("trace.yaml", scenario+"link: {both: {trace: ./secret.yaml}}\n")
		ca := file("ca.yaml", scenario+"link: lte\nsubject:\n  client: {http: {preset: stripe, pay: {path: /x}, tls: {ca: ./secret.yaml}}}\n  server: {address: \"127.0.0.1:1\"}\n  ledger: {none: true}\n")
		for _, args := range [][]string{
			{"validate", secret},
			{"validate", radio},
			{"validate", trace},
			{"run", secret},
			{"run", ca, "--out", dir},
			{"check", secret},
			{"trace", "show", secret},
			{"energy", secret},
			{"shrink", secret},
		} {
			t.Run(name+", "+strings.Join(args[:1], " ")+" "+filepath.Base(args[len(args)-1]), func(t *testing.T) {
				var out bytes.Buffer
				require.NotZero(t, execute(t.Context(), args, &out, &out))
				require.NotEmpty(t, out.String())
				require.NotContains(t, out.String(), "SECRET")
			})
		}
	}
}
