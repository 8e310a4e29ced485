package doctor

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/sut"
)

// Secrets are shown by the names of their variables, however they are written.
func TestHide(t *testing.T) {
	t.Setenv("DOCTOR_KEY", `a+b/"c`)
	t.Setenv("DOCTOR_LONGER", `a+b/"c and more`)
	t.Setenv("DOCTOR_PIN", "77")
	t.Setenv("DOCTOR_EMPTY", "")
	config := sut.Config{Client: &sut.Client{HTTP: &sut.HTTPClient{
		Headers: map[string]string{"A": "Bearer ${DOCTOR_KEY}", "B": "${DOCTOR_PIN}${DOCTOR_EMPTY}", "C": "${DOCTOR_LONGER}", "D": "$${DOCTOR_PIN}"},
	}}}
	secrets := secretsOf(config)
	for text, want := range map[string]string{
		`X: a+b/"c`:          "X: ${DOCTOR_KEY}",
		`k=a%2Bb%2F%22c`:     "k=${DOCTOR_KEY}",
		`{"k": "a+b/\"c"}`:   `{"k": "${DOCTOR_KEY}"}`,
		`a+b/"c and more`:    "${DOCTOR_LONGER}",
		"pin=77, not 1770":   "pin=${DOCTOR_PIN}, not 1770",
		"nothing in it at 7": "nothing in it at 7",
	} {
		require.Equal(t, want, secrets.Hide(text))
	}
	c := result.Checkup{
		Result: result.Result{
			Error: `a+b/"c`, Notes: []string{`a+b/"c`},
			Verdicts: []result.Verdict{{Summary: `a+b/"c`, Findings: []result.Finding{{Text: `a+b/"c`}}}},
		},
		Steps: []harness.Step{{
			Title: `a+b/"c`, Error: `a+b/"c`, Sent: []string{"Authorization: Basic c2VjcmV0", `a+b/"c`}, Got: []string{"c2VjcmV0"},
			Means: []string{`a+b/"c`}, HTTP: &harness.HTTPAnswer{Body: `a+b/"c`, Location: "c2VjcmV0"}, Items: []any{`a+b/"c`},
		}},
		Advice: []result.Advice{{Text: `a+b/"c`, YAML: `a+b/"c`}},
	}
	hide(&c, secrets)
	key := "${DOCTOR_KEY}"
	require.Equal(t, result.Checkup{
		Result: result.Result{
			Error: key, Notes: []string{key},
			Verdicts: []result.Verdict{{Summary: key, Findings: []result.Finding{{Text: key}}}},
		},
		Steps: []harness.Step{{
			Title: key, Error: key, Sent: []string{"Authorization: Basic ***", key}, Got: []string{"***"},
			Means: []string{key}, HTTP: &harness.HTTPAnswer{Body: key, Location: "***"},
		}},
		Advice: []result.Advice{{Text: key, YAML: key}},
	}, c)
}

func TestFindsReference(t *testing.T) {
	names := []string{"p1", "ab12-p1"}
	for name, tc := range map[string]struct {
		item any
		want string
	}{
		"at the top":   {map[string]any{"id": "x", "ref": "ab12-p1"}, "item.ref"},
		"further down": {map[string]any{"metadata": map[string]any{"order-no": "p1"}}, `item.metadata["order-no"]`},
		"nowhere":      {map[string]any{"ref": "ab12-p2", "n": 1.0, "more": []any{"p1"}}, ""},
		"no mapping":   {[]any{}, ""},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, find(tc.item, "item", names)) })
	}
}

// Of the readings after the payment the last one is shown, and the one before it.
func TestLastReading(t *testing.T) {
	step := func(part, title string) harness.Step { return harness.Step{Part: part, Title: title} }
	before, user, pay := step("ledger", "GET /old"), step("user", "presses pay"), step("pay", "POST")
	early, read, more, told := step("ledger", "GET /early"), step("ledger", harness.LedgerRead), step("ledger", "GET /late"), step("told", "late")
	require.Equal(t, []harness.Step{before, user, pay, told, more, read},
		lastReading([]harness.Step{before, user, pay, early, read, told, early, read, more, read}))
	one := []harness.Step{before, user, pay, early, read}
	require.Equal(t, one, lastReading(one))
	failed := []harness.Step{before, user, pay, early}
	require.Equal(t, failed, lastReading(failed))
}

func TestHasError(t *testing.T) {
	for body, want := range map[string]bool{
		`{"error": "no funds"}`: true, `{"errors": [{}]}`: true, `{"error": {"code": 1}}`: true, `{"success": false}`: true, `{"error": true}`: true, `{"error_code": 7}`: true,
		`{"error": null}`: false, `{"error": ""}`: false, `{"errors": []}`: false, `{"error": {}}`: false, `{"success": true}`: false, `{"error": false}`: false, `{"error_code": 0}`: false,
		`[]`: false, `<html>`: false, ``: false,
	} {
		require.Equal(t, want, hasError(body), body)
	}
}

func TestOne(t *testing.T) {
	sc := harness.Scenario{
		Name: "busy", Engine: "sim", Settle: 7, Length: 9,
		Workload: harness.Workload{Wallets: 20, Merchants: 3, Payments: 400, Rate: 5, AmountMin: 1, AmountMax: 9, Currency: "KES", Balance: 10, Impatient: 1, Presses: 3, Deadline: 2, Attempts: 30},
		Link:     harness.Profile{Name: "edge"}, Timeline: []harness.Event{{Action: harness.Blackhole}}, Nemesis: make([]harness.Nemesis, 1),
		Radio: &harness.Radio{}, Expect: []harness.Expectation{{Text: "lost == 0"}},
	}
	require.Equal(t, harness.Scenario{
		Name: "busy", Settle: 7,
		Workload: harness.Workload{Wallets: 1, Merchants: 1, Payments: 1, AmountMin: 1, AmountMax: 9, Currency: "KES", Balance: 10, Deadline: 2, Attempts: 30},
	}, One(sc))
}
