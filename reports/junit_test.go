package reports

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/outcome"
)

// ciSuites is what a CI reads of a JUnit report, written down independently of
// the writer.
type ciSuites struct {
	XMLName  xml.Name  `xml:"testsuites"`
	Tests    int       `xml:"tests,attr"`
	Failures int       `xml:"failures,attr"`
	Errors   int       `xml:"errors,attr"`
	Time     float64   `xml:"time,attr"`
	Suites   []ciSuite `xml:"testsuite"`
}

type ciSuite struct {
	Name       string  `xml:"name,attr"`
	Tests      int     `xml:"tests,attr"`
	Failures   int     `xml:"failures,attr"`
	Errors     int     `xml:"errors,attr"`
	Time       float64 `xml:"time,attr"`
	Properties []struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	} `xml:"properties>property"`
	Cases []struct {
		ClassName string    `xml:"classname,attr"`
		Name      string    `xml:"name,attr"`
		Failure   *ciReason `xml:"failure"`
		Error     *ciReason `xml:"error"`
		Skipped   *ciReason `xml:"skipped"`
	} `xml:"testcase"`
}

type ciReason struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func readJUnit(t *testing.T, results ...result.Result) ciSuites {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, outcome.JUnit(Runs(results))(&b))
	var doc ciSuites
	d := xml.NewDecoder(&b)
	require.NoError(t, d.Decode(&doc))
	_, err := d.Token()
	for err == nil {
		_, err = d.Token()
	}
	require.ErrorIs(t, err, io.EOF)
	return doc
}

func TestJUnitCountsAddUp(t *testing.T) {
	t.Parallel()
	doc := readJUnit(t, batch()...)
	require.Len(t, doc.Suites, 4)
	var tests, failures, errs int
	for _, s := range doc.Suites {
		var f, e int
		for _, c := range s.Cases {
			require.Nil(t, c.Skipped, "a CI takes skipped for green")
			require.Equal(t, s.Name, c.ClassName)
			if c.Failure != nil {
				f++
			}
			if c.Error != nil {
				e++
			}
		}
		require.Equal(t, []int{len(s.Cases), f, e}, []int{s.Tests, s.Failures, s.Errors}, s.Name)
		tests, failures, errs = tests+s.Tests, failures+s.Failures, errs+s.Errors
	}
	require.Equal(t, []int{tests, failures, errs}, []int{doc.Tests, doc.Failures, doc.Errors})
	require.Equal(t, []int{3, 4}, []int{failures, errs})
	require.InDelta(t, 3*61.25, doc.Time, 0.001)
	require.InDelta(t, 61.25, doc.Suites[0].Time, 0.001)
}

// A check that the subject can never be judged by is skipped, and says why.
func TestJUnitSkipsWhatIsNotApplicable(t *testing.T) {
	t.Parallel()
	s := readJUnit(t, ledgerless()).Suites[0]
	skipped := map[string]string{}
	for _, c := range s.Cases {
		if c.Skipped != nil {
			skipped[c.Name] = c.Skipped.Message
			require.Nil(t, c.Error)
			require.Nil(t, c.Failure)
		}
	}
	require.Len(t, skipped, 3)
	require.Equal(t, "the subject has no ledger to read: nobody knows what was booked", skipped["lost"])
}

// Whatever a result lacks, a CI that reads it is green only if the run passed.
func TestJUnitIsGreenOnlyForAPass(t *testing.T) {
	t.Parallel()
	onlyError := passing()
	onlyError.Error = "interrupted"
	noReason := passing()
	noReason.Status = result.StatusUnknown
	failWithoutReason := passing()
	failWithoutReason.Status = result.Fail
	for name, c := range map[string]struct {
		result result.Result
		green  bool
	}{
		"pass":                         {passing(), true},
		"n/a":                          {ledgerless(), true},
		"fail":                         {failing(), false},
		"unknown":                      {unjudgeable(), false},
		"broken":                       {broken(), false},
		"broken after passes":          {onlyError, false},
		"unknown, but nothing says so": {noReason, false},
		"fail, but nothing says so":    {failWithoutReason, false},
		"empty result":                 {result.Result{}, false},
	} {
		doc := readJUnit(t, c.result)
		require.NotEmpty(t, doc.Suites[0].Cases, name)
		require.Equal(t, c.green, doc.Failures+doc.Errors == 0, name)
	}
}

func TestJUnitNamesPaymentsLinesAndTheWayBack(t *testing.T) {
	t.Parallel()
	s := readJUnit(t, failing()).Suites[0]
	text := map[string]string{}
	for _, c := range s.Cases {
		if c.Failure != nil {
			text[c.Name] = c.Failure.Text
		}
	}
	require.Len(t, text, 3)
	require.Contains(t, text["lost"], "w3-17")
	require.Contains(t, text["lost"], "history lines 1202, 4711")
	require.Contains(t, text["duplicated"], "w7-8: booked 2 times")
	require.Contains(t, text["duplicated"], "and 22 more")
	require.Contains(t, text["p95(confirm) < 8s"], "got 8.31s")
	for name, trouble := range text {
		require.Contains(t, trouble, failing().Rerun, name)
		require.Contains(t, trouble, failing().HistoryFile, name)
	}
	properties := map[string]string{}
	for _, p := range s.Properties {
		properties[p.Name] = p.Value
	}
	require.Equal(t, "7", properties["seed"])
	require.Equal(t, "packet", properties["engine"])
	require.Equal(t, "812.4 bytes", properties["bytes_per_payment"])
	require.Equal(t, "8.312 seconds", properties["p95(confirm)"])
	require.Equal(t, "198", properties["confirmed"])
}

func TestJUnitReplacesWhatXMLCannotHold(t *testing.T) {
	t.Parallel()
	r := failing()
	r.Scenario.Name = "bell\x07 & \xff <b>"
	r.Verdicts[0].Summary = "null\x00 ]]> \ufffe"
	s := readJUnit(t, r).Suites[0]
	require.Equal(t, "bell\ufffd & \ufffd <b>", s.Name)
	require.Equal(t, "null\ufffd ]]> \ufffd", s.Cases[1].Failure.Message)
	require.True(t, strings.HasPrefix(s.Cases[1].Failure.Text, "null\ufffd ]]> \ufffd\n"))
}
