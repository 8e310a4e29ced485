package cases

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/scratch"
)

// verify makes the run of a case again and compares its history with that of the
// first run, byte for byte. The network makes the same decisions in both. A subject
// may not: the scheduler may decide the order of two goroutines that wake at one
// instant.
func (s Simulator) verify(ctx context.Context, c Case, first result.Result) (result.Verdict, error) {
	v := result.Verdict{Check: "repeat", Status: result.Pass, Summary: "a second run of the seed had the same history, to the byte"}
	folder, err := scratch.Make("")
	if err != nil {
		return result.Verdict{}, err
	}
	defer func() { _ = folder.Remove() }()
	c.Dir, c.Pcap = folder.Path, false
	s.Watch = nil
	report, err := s.once(ctx, c)
	if err != nil {
		return result.Verdict{}, fmt.Errorf("run the seed a second time: %w", err)
	}
	second := report.Result
	if second.Hash == first.Hash {
		return v, nil
	}
	line, was, is, err := firstDifference(first.HistoryFile, second.HistoryFile)
	if err != nil {
		return result.Verdict{}, err
	}
	v.Status, v.Count = result.StatusUnknown, 1
	v.Summary = "a second run of the seed had another history: the order of what the subject does at one instant is left to the scheduler"
	v.Findings = []result.Finding{{Text: fmt.Sprintf("%s, and then: %s", was, is), Lines: []int{line}}}
	return v, nil
}

// firstDifference returns the number of the first line that is not the same in
// two files, from 1, and the line in each, cut short.
func firstDifference(a, b string) (line int, inA, inB string, err error) {
	fa, errA := os.Open(a)
	fb, errB := os.Open(b)
	if err := errors.Join(errA, errB); err != nil {
		return 0, "", "", fmt.Errorf("compare two histories: %w", err)
	}
	defer fa.Close()
	defer fb.Close()
	ra, rb := bufio.NewReader(fa), bufio.NewReader(fb)
	for line = 1; ; line++ {
		la, errA := ra.ReadString('\n')
		lb, errB := rb.ReadString('\n')
		if la != lb {
			return line, brief(la), brief(lb), nil
		}
		if err := errors.Join(errA, errB); err != nil {
			return 0, "", "", fmt.Errorf("compare two histories: %w", err)
		}
	}
}

func brief(line string) string {
	const most = 160
	line = strings.TrimSpace(line)
	if line == "" {
		return "nothing"
	}
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + "…"
	}
	return line
}
