package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/exchange"
	"github.com/onebar/onebar/harness/subject/httpapi/transport"
)

type listener struct {
	client *Client
	url    string
	server *http.Server
	done   chan struct{}

	mu      sync.Mutex
	waiting map[string]chan word        // by payment id
	final   map[string]exchange.Meaning // by payment whose payer no longer waits: what it was told last
}

func listen(ctx context.Context, c *Client) (*listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for callbacks: %w", err)
	}
	got := &listener{
		client: c, url: "http://" + l.Addr().String() + "/callback", done: make(chan struct{}),
		waiting: map[string]chan word{}, final: map[string]exchange.Meaning{},
	}
	got.server = &http.Server{Handler: got, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(got.done)
		_ = got.server.Serve(l) // until close
	}()
	return got, nil
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, transport.MaxBody))
	if err != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	plan := l.client.plan
	a := exchange.Answer{Status: http.StatusOK, Header: r.Header, Body: body}
	name, err := plan.Whose(a, l.client.run)
	if err != nil {
		l.client.env.Log.Warn("a callback names no payment", "err", err)
		http.Error(w, "names no payment", http.StatusBadRequest)
		return
	}
	id, known := l.client.env.Asked.Payment(name)
	if !known {
		http.Error(w, "no such payment was requested", http.StatusNotFound)
		return
	}
	m, why := plan.Called.Judge(a, l.client.run)
	l.client.env.Tell(harness.Step{
		Part: "callback", Title: r.Method + " " + r.URL.Path + " for " + id,
		Got: strings.Split(strings.TrimRight(string(body), "\n"), "\n"), Means: []string{m.String() + ": " + why},
	})
	l.tell(id, word{meaning: m, why: "callback: " + why, cause: exchange.OnUnknown})
	w.WriteHeader(http.StatusNoContent)
}

// tell passes a word to the payer that waits for it. A payer that no longer waits is told
// again if the word is final and differs from the last one. Only the first word that is
// not final is kept.
func (l *listener) tell(id string, said word) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if before, finished := l.final[id]; finished {
		if said.final() && said.meaning != before {
			l.final[id] = said.meaning
			l.client.env.Observer.Told(told(id, said))
		}
		return
	}
	if said.final() {
		select {
		case <-l.waiting[id]: // make room for the final word
		default:
		}
	}
	select {
	case l.waiting[id] <- said:
	default:
	}
}

func (l *listener) await(id string, ch chan word) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting[id] = ch
}

// finish ends the wait for callbacks of a payment whose payer is about to be told last.
// If a final word arrived meanwhile and last is not final, it returns that word and true.
func (l *listener) finish(id string, last word, ch chan word) (said word, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, id)
	select {
	case said = <-ch:
		ok = said.final() && !last.final()
	default:
	}
	if !ok {
		said = last
	}
	l.final[id] = said.meaning
	return said, ok
}

func (l *listener) close() error {
	err := l.server.Close()
	<-l.done
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
