package secrets_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness/secrets"
)

func TestHide(t *testing.T) {
	t.Setenv("KEY", "sk_live_0123456789")
	t.Setenv("BASIC", base64.StdEncoding.EncodeToString([]byte("shop:hunter2!")))
	t.Setenv("PIN", "77")
	t.Setenv("WORD", "test")
	t.Setenv("DIGIT", "5")
	t.Setenv("EMPTY", "")
	t.Setenv("ODD", `a<b/"c & d`)
	t.Setenv("NAMES", "BASIC")
	var s secrets.Set
	for _, name := range []string{"KEY", "BASIC", "PIN", "WORD", "DIGIT", "EMPTY", "ODD", "NAMES"} {
		_, ok := s.Lookup(name)
		require.True(t, ok)
	}
	_, ok := s.Lookup("NO_SUCH_VARIABLE")
	require.False(t, ok)
	b64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	for text, want := range map[string]string{
		"Bearer sk_live_0123456789":        "Bearer ${KEY}",
		"Xsk_live_0123456789X":             "X${KEY}X",
		b64("sk_live_0123456789"):          "${KEY}",
		"the password hunter2! is no":      "the password ${BASIC} is no",
		"for shop:hunter2!":                "for ${BASIC}",
		"pin=77, not 1770":                 "pin=${PIN}, not 1770",
		"the latest test, tested":          "the latest ${WORD}, tested",
		"5 of 55":                          "5 of 55",
		`{"odd": "a<b/\"c & d"}`:           `{"odd": "${ODD}"}`,
		`{"odd": "a\u003cb/\"c \u0026 d"}`: `{"odd": "${ODD}"}`,
		"q=a%3Cb%2F%22c+%26+d":             "q=${ODD}",
		"BASIC BASICS ${BASIC}":            "${NAMES} BASICS ${${NAMES}}",
		"nothing of it":                    "nothing of it",
		"":                                 "",
	} {
		require.Equal(t, want, s.Hide(text))
	}
	// Whatever stands before and after it in Base64.
	for _, user := range []string{"", "a", "ab", "abc", "abcd"} {
		for _, more := range []string{"", "x", "xy", "xyz"} {
			got := s.Hide(b64(user + ":sk_live_0123456789" + more))
			require.Contains(t, got, "${KEY}")
			require.Less(t, len(got), len("${KEY}")+16)
		}
	}
}

func TestDSN(t *testing.T) {
	for dsn, password := range map[string]string{
		"postgres://bank:hunter2@db:5432/ledger?sslmode=disable":      "hunter2",
		"postgres://bank:hun%74er2@db/ledger":                         "hunter2",
		"postgres://bank:hunter2@db:port/ledger":                      "hunter2", // no URL
		"host=db user=bank password=hunter2 dbname=ledger":            "hunter2",
		"host=db user=bank password = 'hunter 2' dbname=ledger":       "hunter 2",
		"postgres://db/ledger?user=bank&password=hunter2&sslmode=any": "hunter2",
		"bank:hunter2@tcp(db:3306)/ledger":                            "hunter2",
		"bank:hun@ter:2@tcp(db:3306)/ledger":                          "hun@ter:2",
		"bank:hunter2@/ledger":                                        "hunter2",
		"file:ledger.db":                                              "",
	} {
		t.Run(dsn, func(t *testing.T) {
			var s secrets.Set
			s.AddDSN(dsn, "${DSN}")
			require.Equal(t, "cannot parse ${DSN}: it is odd", s.Hide("cannot parse "+dsn+": it is odd"))
			if password != "" {
				require.Equal(t, "password authentication failed for user bank of ledger with ***",
					s.Hide("password authentication failed for user bank of ledger with "+password))
			}
		})
	}
}

// No long value is left in a text, in any form, and a text without it stays.
func TestHideAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`[A-Za-z0-9_/+&<" ]{12,40}`).Draw(t, "value")
		before := rapid.StringMatching(`[a-z:]{0,5}`).Draw(t, "before")
		other := rapid.StringMatching(`[a-z ]{0,30}[.,]`).Draw(t, "other")
		var s secrets.Set
		s.Add(value, "***")
		encoded := base64.StdEncoding.EncodeToString([]byte(before + value))
		for _, text := range []string{value, encoded, before + value} {
			got := s.Hide(other + text + other)
			require.NotContains(t, got, value)
			require.NotContains(t, got, encoded)
			require.Contains(t, got, "***")
			require.True(t, strings.HasPrefix(got, other) || strings.Contains(other, value))
		}
		if !strings.Contains(other, value) {
			require.Equal(t, other, s.Hide(other))
		}
	})
}
