package reports

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
)

// The elements of a JUnit report that the readers agree on (Jenkins, GitLab,
// GitHub's test reporters). Times are in seconds.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Time     junitSeconds `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       junitSeconds    `xml:"time,attr"`
		Timestamp  string          `xml:"timestamp,attr,omitempty"`
		File       string          `xml:"file,attr,omitempty"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
		SystemOut  string          `xml:"system-out,omitempty"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		ClassName string        `xml:"classname,attr"`
		Name      string        `xml:"name,attr"`
		Time      junitSeconds  `xml:"time,attr"`
		Failure   *junitTrouble `xml:"failure"`
		Error     *junitTrouble `xml:"error"`
		Skipped   *junitSkip    `xml:"skipped"`
		SystemOut string        `xml:"system-out,omitempty"`
	}
	junitTrouble struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
	junitSkip struct {
		Message string `xml:"message,attr"`
	}
	junitSeconds time.Duration
)

// MarshalXMLAttr implements xml.MarshalerAttr.
func (s junitSeconds) MarshalXMLAttr(name xml.Name) (xml.Attr, error) {
	return xml.Attr{Name: name, Value: strconv.FormatFloat(time.Duration(s).Seconds(), 'f', 3, 64)}, nil
}

// JUnit is the report of the results as JUnit XML for a CI's test view: a suite a
// scenario, in it a case "run" for the experiment itself, one for each check
// and one for each threshold. A case that failed is a failure. One that could
// not be judged is an error and not skipped, since to a CI skipped is green,
// and unknown is never a pass; a run that broke is an error too. A check that is
// n/a is skipped, with the reason. The text of a failure has the stories of its payments. What XML cannot hold is replaced by U+FFFD.
func JUnit(results []result.Result) Report {
	return func(w io.Writer) error {
		text, err := xml.MarshalIndent(suites(results), "", "  ")
		if err != nil {
			return fmt.Errorf("write JUnit report: %w", err)
		}
		return send(w, "JUnit", xml.Header+string(text)+"\n")
	}
}

func suites(results []result.Result) junitSuites {
	doc := junitSuites{Name: "onebar"}
	for _, r := range results {
		s := suite(r)
		doc.Tests += s.Tests
		doc.Failures += s.Failures
		doc.Errors += s.Errors
		doc.Time += s.Time
		doc.Suites = append(doc.Suites, s)
	}
	return doc
}

func suite(r result.Result) junitSuite {
	s := junitSuite{
		Name:       format.Title(r),
		Time:       junitSeconds(r.Took),
		File:       r.Scenario.File,
		Properties: properties(r),
		SystemOut:  pointed(r),
	}
	if !r.Started.IsZero() {
		s.Timestamp = r.Started.UTC().Format("2006-01-02T15:04:05")
	}
	s.Cases = append(s.Cases, runCase(r))
	for _, j := range judgements(r.Verdicts, result.MaxFindings) {
		s.Cases = append(s.Cases, judgedCase(r, j, ""))
	}
	for _, j := range expectations(r.Thresholds) {
		s.Cases = append(s.Cases, judgedCase(r, j, "wanted "+j.name+", "))
	}
	s.Tests = len(s.Cases)
	for _, c := range s.Cases {
		if c.Failure != nil {
			s.Failures++
		}
		if c.Error != nil {
			s.Errors++
		}
		if c.Skipped != nil {
			s.Skipped++
		}
	}
	return s
}

// runCase is the experiment itself. It also keeps a suite from being empty,
// which several readers take for green.
func runCase(r result.Result) junitCase {
	c := junitCase{ClassName: format.Title(r), Name: "run", Time: junitSeconds(r.Took)}
	if r.Again != "" {
		c.SystemOut = format.Again(r)
	}
	switch {
	case r.Error != "":
		c.Error = &junitTrouble{Message: r.Error, Type: "broken", Text: "the experiment was not carried out: " + r.Error + "\n" + pointed(r)}
	case unexplained(r):
		c.Error = &junitTrouble{Message: nothingSays, Type: r.Status.String(), Text: nothingSays + "\n" + pointed(r)}
	}
	return c
}

// judgedCase is what a verdict or a threshold says. wanted stands before the text of a
// threshold that is not a pass; for a verdict it is empty.
func judgedCase(r result.Result, j judgement, wanted string) junitCase {
	c := junitCase{ClassName: format.Title(r), Name: j.name}
	switch {
	case j.status == result.Pass:
		c.SystemOut = j.text
		return c
	case j.status == result.NotApplicable && wanted == "":
		c.Skipped = &junitSkip{Message: j.text}
		return c
	}
	message := wanted + j.text
	text := strings.Join(append([]string{message}, j.findings...), "\n- ") + "\n"
	var told strings.Builder
	for _, t := range r.Stories {
		if wanted == "" && slices.Contains(t.Checks, j.name) {
			drawStories(&told, format.Style{}, "", []result.Story{t})
		}
	}
	t := &junitTrouble{Message: message, Type: j.status.String(), Text: text + told.String() + pointed(r)}
	if j.status == result.Fail {
		c.Failure = t
	} else {
		c.Error = t // it could not be judged
	}
	return c
}

// pointed says where the history is and how to run the scenario again.
func pointed(r result.Result) (text string) {
	for _, p := range pointers(r) {
		text += p.name + ": " + p.text + "\n"
	}
	return text
}

func properties(r result.Result) []junitProperty {
	p := []junitProperty{
		{"seed", strconv.FormatUint(r.Seed, 10)},
		{"engine", r.Engine},
		{"onebar", r.Onebar},
		{"payload", strconv.FormatBool(r.Payload)},
	}
	if e := r.Energy; e != nil {
		p = append(p, junitProperty{"radio", e.Model})
		for _, s := range e.States {
			p = append(p, junitProperty{"time in " + s.Name, number(s.Time.Seconds()) + " seconds"})
			if e.Priced {
				p = append(p, junitProperty{"energy in " + s.Name, number(s.Joules) + " joules"})
			}
		}
	}
	for _, f := range r.Figures {
		value := number(f.Value)
		if f.Unit != result.Count && f.Unit != result.UnitUnknown {
			value += " " + f.Unit.String()
		}
		p = append(p, junitProperty{f.Name, value})
	}
	return p
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
