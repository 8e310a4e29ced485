package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onebar/onebar/harness/bubble"
)

// Workers is a Runner whose runs are made by child processes that call Serve: a run
// that hangs or ends its process costs no other run.
type Workers struct {
	Pool *bubble.Pool // the caller closes it
	// Watch is called as in run.Options, but a few times a second of real time. Nil:
	// progress is not reported.
	Watch func(done int, state string)
}

type job struct {
	Case  Case `json:"case"`
	Watch bool `json:"watch,omitempty"` // report progress
}

type progress struct {
	Done  int    `json:"done"`
	State string `json:"state"`
}

// Run implements Runner.
func (w Workers) Run(ctx context.Context, c Case) (Report, error) {
	answer, err := w.Pool.Do(ctx, job{c.Pack(), w.Watch != nil}, func(raw json.RawMessage) {
		var p progress
		if w.Watch != nil && json.Unmarshal(raw, &p) == nil {
			w.Watch(p.Done, p.State)
		}
	})
	var report Report
	if len(answer) > 0 {
		if bad := json.Unmarshal(answer, &report); bad != nil {
			return Report{}, errors.Join(err, fmt.Errorf("read a worker's answer: %w", bad))
		}
	}
	return report, err
}

// Serve makes the runs that a Workers asks for, one after the other, with s. It
// returns as bubble.Serve does; in and out are the standard input and output of the
// process.
func Serve(ctx context.Context, in io.Reader, out io.Writer, s Simulator) error {
	return bubble.Serve(ctx, in, out, func(ctx context.Context, raw json.RawMessage, news func(any)) (any, error) {
		var j job
		err := json.Unmarshal(raw, &j)
		if err == nil {
			err = j.Case.Unpack()
		}
		if err != nil {
			return nil, fmt.Errorf("read the job: %w", err)
		}
		s := s
		if j.Watch {
			var latest atomic.Pointer[progress]
			s.Watch = func(done int, state string) { latest.Store(&progress{done, state}) }
			defer report(&latest, news)()
		}
		return s.Run(ctx, j.Case)
	})
}

// report passes the latest progress to news five times a second, in real time, until
// stop is called.
func report(latest *atomic.Pointer[progress], news func(any)) (stop func()) {
	quit := make(chan struct{})
	var reporting sync.WaitGroup
	reporting.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				if p := latest.Load(); p != nil {
					news(p)
				}
			}
		}
	})
	return func() { close(quit); reporting.Wait() }
}

// Parallel calls do for each item, up to jobs at a time (at least one), and returns
// when every call has returned. Items are taken in order, each one when a call for it
// can begin; no two are taken at a time.
func Parallel[T any](jobs int, items iter.Seq[T], do func(T)) {
	next, stop := iter.Pull(items)
	defer stop()
	var mu sync.Mutex
	var running sync.WaitGroup
	for range max(jobs, 1) {
		running.Go(func() {
			for {
				mu.Lock()
				item, ok := next()
				mu.Unlock()
				if !ok {
					return
				}
				do(item)
			}
		})
	}
	running.Wait()
}
