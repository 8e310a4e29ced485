package reports

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
)

// healthy is the checkup of a payment that went well.
func healthy() result.Checkup {
	return result.Checkup{
		Result: result.Result{
			Version: 1, Scenario: harness.Scenario{Name: "kiosk", File: "kiosk.yaml"}, Status: result.Pass,
			Verdicts: []result.Verdict{{Check: "lost", Status: result.Pass, Summary: "1 confirmed, 1 posted"}},
			Notes:    []string{"bookings were matched to payments by item.ref"},
		},
		Steps: []harness.Step{
			{Part: "server", Title: "answers at 127.0.0.1:8080", Took: 12 * time.Millisecond},
			{
				Part: "pay", Title: "POST http://127.0.0.1:8080/payments", Took: 3 * time.Millisecond,
				Sent:  []string{"Authorization: Bearer ${KIOSK_TOKEN}", `{"ref": "4a42e9ad-p1", "cents": 837320, "from": "w0", "to": "m0", "shop": "喫茶店でコーヒーを一杯"}`},
				Got:   append([]string{"HTTP 201 Created, application/json"}, strings.Split(strings.Repeat("{}\n", 20), "\n")...),
				Means: []string{"confirmed, by the rule on line 16, status == 201"},
			},
			{Part: "told", Title: "confirmed: HTTP 201: rule on line 16"},
			{Part: "booked", Title: "posting b1: 8373.20 KES from w0 to m0", Means: []string{"is payment p1"}},
		},
		Advice: []result.Advice{{Text: "No balances are read: that accounts add up is not judged (unbalanced).", YAML: "subject:\n  ledger:\n    http:\n      balances: {path: /accounts}"}},
	}
}

// ailing is that of one of which nobody knows what became.
func ailing() result.Checkup {
	c := healthy()
	c.Result.Status = result.StatusUnknown
	c.Result.Verdicts = []result.Verdict{{Check: "unresolved", Status: result.StatusUnknown, Summary: "nobody knows what became of the payment"}}
	c.Result.Notes = nil
	c.Steps = []harness.Step{{Part: "pay", Title: "POST http://127.0.0.1:8080/\x1b[31mpay", Error: "no answer in time", Took: 10 * time.Second}}
	c.Advice = append([]result.Advice{{Must: true, Text: "The server took the request and gave no answer in time."}}, c.Advice...)
	return c
}

// dead is that of one that could not be made.
func dead() result.Checkup {
	return result.Checkup{Result: result.Result{
		Version: 1, Scenario: harness.Scenario{Name: "kiosk"},
		Error: "start the subject: start the server: nobody answers at 127.0.0.1:8080",
	}}
}

func TestDoctorGolden(t *testing.T) {
	t.Parallel()
	unfit := healthy()
	unfit.Unfit = true
	mend := healthy()
	mend.Advice[0].Must = true
	wrong := healthy()
	wrong.Result.Status = result.Fail
	for file, c := range map[string]struct {
		checkup result.Checkup
		style   format.Style
		exit    int
	}{
		"doctor-pass.console":    {healthy(), format.Style{}, result.ExitPass},
		"doctor-colour.console":  {healthy(), format.Style{Width: 100, Colour: true}, result.ExitPass},
		"doctor-unknown.console": {ailing(), format.Style{Width: 60}, result.ExitUnknown},
		"doctor-broken.console":  {dead(), format.Style{}, result.ExitBroken},
		"doctor-unfit.console":   {unfit, format.Style{}, result.ExitBroken},
		"doctor-mend.console":    {mend, format.Style{}, result.ExitPass},
		"doctor-fail.console":    {wrong, format.Style{}, result.ExitFail},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			require.NoError(t, inStyle(doctor(c.style, c.checkup))(&got))
			require.Equal(t, c.exit, c.checkup.Exit())
			golden(t, file, got.Bytes())
			if !c.style.Colour {
				most := c.style.Width
				if most == 0 {
					most = doctorWidth
				}
				for line := range strings.Lines(got.String()) {
					if !strings.Contains(line, "balances: {") { // it is to be copied
						require.LessOrEqual(t, format.Width(strings.TrimSuffix(line, "\n")), most, line)
					}
				}
			}
		})
	}
	require.ErrorContains(t, Doctor(healthy())(full{}), "no space left on device")
}
