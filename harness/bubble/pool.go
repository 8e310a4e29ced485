package bubble

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
)

// Pool does jobs in child processes of one program. Each does one job at a time and is
// kept for the next: a job that hangs or ends its process affects that job only. Make a
// Pool with NewPool and close it. Its methods may be called from several goroutines.
type Pool struct {
	command []string
	slots   chan struct{} // one for each worker at work

	mu     sync.Mutex
	idle   []*worker
	closed bool
}

// NewPool returns a pool of at most n > 0 workers, which are started when they
// are needed. command is the program and the arguments of a worker, which must
// call Serve. Each worker uses one processor and has this process's
// environment. The pool sets GOGC and GOMEMLIMIT for them unless they are set.
func NewPool(n int, command ...string) *Pool {
	return &Pool{command: command, slots: make(chan struct{}, n)}
}

var errClosed = errors.New("the pool of workers is closed")

// Do sends a job as JSON to a worker and returns the answer and the error of the job,
// which may be a Failure. If the worker ends before it answers, that is a Failure, too,
// with the end of its standard error. news is called for each message of the job; the
// calls do not overlap; nil is not called. When ctx ends, the worker is told and has a few
// seconds to answer.
func (p *Pool) Do(ctx context.Context, job any, news func(json.RawMessage)) (json.RawMessage, error) {
	b, err := json.Marshal(job)
	if err != nil {
		return nil, fmt.Errorf("encode the job: %w", err)
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	w, err := p.take()
	if err != nil {
		return nil, err
	}
	r, err := w.do(ctx, b, news)
	if err != nil || r.Last || !p.keep(w) {
		w.end()
	}
	switch {
	case err != nil:
		return nil, err
	case r.Failure != nil:
		return r.Answer, r.Failure
	case r.Error != "":
		return r.Answer, errors.New(r.Error)
	}
	return r.Answer, nil
}

func (p *Pool) take() (*worker, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	if n := len(p.idle); n > 0 {
		w := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return w, nil
	}
	return startWorker(p.command)
}

func (p *Pool) keep(w *worker) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.idle = append(p.idle, w)
	}
	return !p.closed
}

// Close ends the workers. A busy one ends after its job.
func (p *Pool) Close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, w := range idle {
		w.end()
	}
}
