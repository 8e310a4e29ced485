// Package judge turns a history into the result of its run: it makes the checks, measures
// the figures, compares the thresholds and tells the stories of the payments that fail.
package judge

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/onebar/onebar/harness/check"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/metric"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/story"
	"github.com/onebar/onebar/harness/threshold"
)

// File judges and measures a saved history.
func File(path string) (result.Result, error) {
	f, err := os.Open(path)
	if err != nil {
		return result.Result{}, fmt.Errorf("open the history: %w", err)
	}
	defer f.Close()
	res, err := History(f, Options{})
	if err != nil {
		return result.Result{}, fmt.Errorf("read %s: %w", path, err)
	}
	res.HistoryFile = path
	return res, nil
}

// Options say what else is done with a history.
type Options struct {
	Each func(history.Record) // is called with each record; nil is not
	Bare bool                 // no stories
}

// History judges and measures a history in one pass. A history without its end is judged
// as far as it goes; its status is then unknown or worse. The error names the line that
// cannot be read, or says that this is not a history of a known version.
func History(r io.Reader, o Options) (result.Result, error) {
	res, err := judged(r, o.Each)
	if err == nil && !o.Bare {
		tell(r, &res)
	}
	return res, err
}

// tell adds the stories of the payments that fail a check. It reads the history a second
// time, because only its end says which payments fail. If r is no io.Seeker, or a pipe,
// there are no stories.
func tell(r io.Reader, res *result.Result) {
	s, ok := r.(io.Seeker)
	if !ok || res.Status != result.Fail {
		return
	}
	if _, err := s.Seek(0, io.SeekStart); err == nil {
		res.Stories = story.Of(history.Read(r), res.Verdicts)
	}
}

// judged is History without the stories. It calls each with each record, if each is not nil.
func judged(r io.Reader, each func(history.Record)) (result.Result, error) {
	judge, collector := check.New(), metric.NewCollector()
	res := result.Result{Version: result.Version}
	var end *history.End
	empty, hash := true, sha256.New()
	for rec, err := range history.Read(io.TeeReader(r, hash)) {
		if errors.Is(err, history.ErrCut) && !empty && end == nil {
			res.Notes = append(res.Notes, err.Error()+"; what came before it is judged")
			break
		}
		if err == nil {
			err = follow(&res, &end, rec)
		}
		if err != nil {
			return res, err
		}
		empty = false
		judge.Add(rec)
		collector.Add(rec)
		if each != nil {
			each(rec)
		}
	}
	if empty {
		return res, errors.New("the file is empty: expected the history of a run")
	}
	res.Hash = hex.EncodeToString(hash.Sum(nil))
	if err := conclude(&res, judge, collector); err != nil {
		return res, err
	}
	decide(&res, judge, end)
	return res, nil
}

func decide(res *result.Result, judge *check.Judge, end *history.End) {
	res.Status = result.Pass
	if end == nil || end.Interrupted || end.Error != "" {
		doubt(res, "the run did not come to its end")
	}
	for _, v := range res.Verdicts {
		if v.Weak && v.Status != result.Pass {
			doubt(res, "the experiment was not as asked, see "+v.Check)
		}
	}
	for _, v := range res.Verdicts {
		if v.Status == result.StatusUnknown {
			res.Busy = judge.Busy() // lateness that can change only a threshold is not the reason
		}
		res.Status = res.Status.Worse(v.Status)
	}
	for _, t := range res.Thresholds {
		res.Status = res.Status.Worse(t.Status)
	}
}

// follow copies header, length, notes and end of a history into the result.
func follow(res *result.Result, end **history.End, rec history.Record) error {
	if rec.Line == 1 {
		if err := begin(res, rec); err != nil {
			return err
		}
	}
	if rec.Line > 1 && rec.Header != nil {
		return fmt.Errorf("line %d: a second header: expected one run in the file", rec.Line)
	}
	if *end != nil {
		return fmt.Errorf("line %d: a record after the end of the history: expected one run in the file", rec.Line)
	}
	if rec.Packet == nil {
		res.Took = rec.At
	}
	if rec.Note != "" {
		res.Notes = append(res.Notes, rec.Note)
	}
	if rec.End != nil {
		*end, res.Error = rec.End, rec.End.Error
	}
	return nil
}

func begin(res *result.Result, rec history.Record) error {
	h := rec.Header
	if h == nil {
		return errors.New("line 1: not the header of a history: expected a file that onebar run has written")
	}
	if h.Version != history.Version {
		return fmt.Errorf("line 1: the history has version %d, and this onebar reads version %d: use onebar %s",
			h.Version, history.Version, h.Onebar)
	}
	res.Onebar, res.Scenario, res.Engine = h.Onebar, h.Scenario, h.Engine
	res.Seed, res.Started, res.Payload, res.Machine = h.Seed, h.Started, h.Payload, h.Machine
	return nil
}

// conclude fills in what is known at the end of a history.
func conclude(res *result.Result, judge *check.Judge, collector *metric.Collector) error {
	thresholds, err := threshold.ParseAll(res.Scenario.Expect)
	if err != nil {
		return err
	}
	res.Verdicts, res.Attempts = judge.Verdicts(), judge.Attempts()
	wanted := threshold.PhaseFigures(thresholds)
	res.Figures = append(collector.Figures(wanted...), metric.VerdictFigures(res.Verdicts)...)
	res.Phases, res.Faults, res.Energy = collector.Phases(), collector.Faults(), collector.Energy()
	res.Thresholds = threshold.Evaluate(thresholds, res.Figures, res.Phases)
	res.Busy = threshold.Doubt(res.Thresholds, thresholds, collector.OnTime(wanted...))
	return nil
}

// doubt makes the thresholds unknown of a run that did not happen as asked, because their
// figures are those of another experiment. Verdicts of checks stay.
func doubt(res *result.Result, why string) {
	for i, t := range res.Thresholds {
		if t.Status != result.StatusUnknown {
			res.Thresholds[i].Status, res.Thresholds[i].Reason = result.StatusUnknown, why
		}
	}
	res.Status = result.StatusUnknown
}
