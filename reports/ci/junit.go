package ci

import (
	"encoding/xml"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/onebar/onebar/harness/result"
)

// The elements of a JUnit report that the readers agree on. Times are in seconds.
//
// GitLab shows classname, name, time and file of a case, and treats cases of one classname
// and name as one (lib/gitlab/ci/parsers/test/junit.rb). Azure reads name, timestamp and
// time of a suite, and name, classname and time of a case (JunitResultReader.cs).
// mikepenz/action-junit-report reads file and line of a case (src/testParser.ts).
// dorny/test-reporter reads neither: see trace.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Time     seconds      `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       seconds         `xml:"time,attr"`
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
		Time      seconds       `xml:"time,attr"`
		File      string        `xml:"file,attr,omitempty"`
		Line      int           `xml:"line,attr,omitempty"`
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
	seconds time.Duration
)

// MarshalXMLAttr implements xml.MarshalerAttr.
func (s seconds) MarshalXMLAttr(name xml.Name) (xml.Attr, error) {
	return xml.Attr{Name: name, Value: strconv.FormatFloat(time.Duration(s).Seconds(), 'f', 3, 64)}, nil
}

// JUnit writes suites as JUnit XML. A case that failed is a failure. One that could not be
// judged or carried out is an error and not skipped, since to a CI skipped is green, and
// unknown is never a pass. A case that is n/a is skipped, with the reason. What XML cannot
// hold is replaced by U+FFFD.
func JUnit(w io.Writer, suites []Suite) error {
	doc := junitSuites{Name: "onebar"}
	for _, s := range suites {
		j := s.junit()
		doc.Tests += j.Tests
		doc.Failures += j.Failures
		doc.Errors += j.Errors
		doc.Time += j.Time
		doc.Suites = append(doc.Suites, j)
	}
	text, err := xml.MarshalIndent(doc, "", "  ")
	if err == nil {
		_, err = io.WriteString(w, xml.Header+string(text)+"\n")
	}
	if err != nil {
		return fmt.Errorf("write JUnit report: %w", err)
	}
	return nil
}

func (s Suite) junit() junitSuite {
	j := junitSuite{Name: s.Title, Tests: len(s.Cases), Time: seconds(s.Took), File: s.File, SystemOut: s.Out}
	if !s.Started.IsZero() {
		j.Timestamp = s.Started.UTC().Format("2006-01-02T15:04:05")
	}
	for _, p := range s.Properties {
		j.Properties = append(j.Properties, junitProperty(p))
	}
	seen := map[string]int{}
	for _, c := range s.Cases {
		one := s.junitCase(c)
		if seen[c.Name]++; seen[c.Name] > 1 { // GitLab would drop it
			one.Name = fmt.Sprintf("%s (%d)", c.Name, seen[c.Name])
		}
		switch {
		case one.Failure != nil:
			j.Failures++
		case one.Error != nil:
			j.Errors++
		case one.Skipped != nil:
			j.Skipped++
		}
		j.Cases = append(j.Cases, one)
	}
	return j
}

func (s Suite) junitCase(c Case) junitCase {
	j := junitCase{ClassName: s.Title, Name: c.Name, Time: seconds(c.Took), File: s.File}
	if s.File != "" {
		j.Line = max(1, c.Line)
	}
	if !c.bad() {
		if c.Status == result.NotApplicable {
			j.Skipped = &junitSkip{Message: c.Message}
		} else {
			j.SystemOut = c.Message
		}
		return j
	}
	t := &junitTrouble{Message: c.Message, Type: c.word(), Text: c.Message + "\n" + c.Detail + s.trace(j.Line)}
	if c.Status == result.Fail && !c.Broken {
		j.Failure = t
	} else {
		j.Error = t
	}
	return j
}

// trace returns the line in which dorny/test-reporter finds the file and the line of a
// failure: it takes the form of a Java stack trace, whose package is the file's folder
// (src/parsers/java-junit/java-junit-parser.ts). Of the folders it needs the last only. A
// name with a dot, a digit or a capital at its beginning would not be read as a package.
func (s Suite) trace(line int) string {
	folder := path.Base(path.Dir(s.File))
	if s.File == "" || strings.Contains(folder, ".") || folder[0] <= 'Z' {
		return ""
	}
	return fmt.Sprintf("at %s.Scenario(%s:%d)\n", folder, path.Base(s.File), line)
}
