package bubble

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// request is a line from a Pool to a worker: a job, or the order to end the job under
// way.
type request struct {
	Job    json.RawMessage `json:"job,omitempty"`
	Cancel bool            `json:"cancel,omitempty"`
}

// response is a line from a worker to its Pool: a message of the job under way, or its
// answer.
type response struct {
	News    json.RawMessage `json:"news,omitempty"`
	Done    bool            `json:"done,omitempty"`
	Answer  json.RawMessage `json:"answer,omitempty"`
	Error   string          `json:"error,omitempty"`
	Failure *Failure        `json:"failure,omitempty"`
	Last    bool            `json:"last,omitempty"` // the worker ends now
}

// Job does one job in a worker. Its answer is encoded as JSON, even if it returns an error.
// Until it returns it may call news, from any goroutine, even in a bubble.
type Job func(ctx context.Context, job json.RawMessage, news func(any)) (answer any, err error)

// Serve does the jobs of a Pool, one after the other. It returns when in ends, ctx ends,
// or a job has left this process in a state in which no further job may run; the caller
// then ends the process. in and out are the process's standard input and output. Output
// from before the call is ignored; afterwards nothing else may write to out.
func Serve(ctx context.Context, in io.Reader, out io.Writer, do Job) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	_, _ = io.WriteString(out, "\n") // ends a line that other code has begun; if it fails, so does an answer
	s := &server{out: json.NewEncoder(out)}
	jobs := make(chan json.RawMessage)
	go func() {
		defer close(jobs)
		defer cancel() // the pool is gone
		s.listen(ctx, in, jobs)
	}()
	for {
		select {
		case <-ctx.Done():
			return s.err()
		case job, ok := <-jobs:
			if !ok {
				return s.err()
			}
			if last := s.do(ctx, job, do); last {
				return s.err()
			}
		}
	}
}

// server writes the lines of a worker.
type server struct {
	mu     sync.Mutex
	out    *json.Encoder
	failed error              // to write
	unread error              // why no more jobs can be read
	stop   context.CancelFunc // of the job under way
}

func (s *server) listen(ctx context.Context, in io.Reader, jobs chan<- json.RawMessage) {
	lines := json.NewDecoder(bufio.NewReader(in))
	for {
		var r request
		if err := lines.Decode(&r); err != nil {
			if !errors.Is(err, io.EOF) {
				s.mu.Lock()
				s.unread = fmt.Errorf("read a job: %w", err) // the job under way is answered all the same
				s.mu.Unlock()
			}
			return
		}
		if r.Cancel {
			s.cancel()
			continue
		}
		select {
		case jobs <- r.Job:
		case <-ctx.Done():
			return
		}
	}
}

// do does one job and reports whether it is the last.
func (s *server) do(ctx context.Context, job json.RawMessage, do Job) (last bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	s.stop = cancel
	s.mu.Unlock()
	answer, err := do(ctx, job, func(v any) {
		if b, err := json.Marshal(v); err == nil {
			s.send(response{News: b})
		}
	})
	r := response{Done: true}
	if err != nil {
		r.Error = err.Error()
	}
	if f, ok := errors.AsType[*Failure](err); ok {
		r.Failure, r.Last = f, true // goroutines may be left
	}
	if b, err := json.Marshal(answer); err == nil {
		r.Answer = b
	} else {
		r.Error = fmt.Sprintf("encode the answer: %v", err)
	}
	s.send(r)
	return r.Last
}

func (s *server) cancel() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil {
		s.stop()
	}
}

func (s *server) send(r response) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = s.out.Encode(r)
	}
}

func (s *server) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.unread, s.failed)
}
