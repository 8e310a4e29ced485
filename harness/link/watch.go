package link

import (
	"slices"
	"sync"
)

// Watchers are those who want to know when the access links of a network carry
// packets again, see harness.LinkWatcher. A fault is on every link, so that all links
// of a network are up or down together. The zero value is a network whose links are
// up, with nobody watching. Its methods may be called from several goroutines.
//
// Up and Moved return calls for the engine to make, in order. Each locks the Watchers
// and does nothing if its watcher has stopped or the links are down again.
type Watchers struct {
	mu   sync.Mutex
	down int        // faults in force that take the links down
	list []*watcher // in the order of their clients, those of one client in that of Watch
}

type watcher struct {
	client int
	up     func() // nil once stopped
	due    bool   // a call has been handed out and not been made
}

// Watch adds a watcher on the host of a client until stop is called. Stop waits for a
// call of up that is under way.
func (w *Watchers) Watch(client int, up func()) (stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	x := &watcher{client: client, up: up}
	at := slices.IndexFunc(w.list, func(y *watcher) bool { return y.client > client })
	if at < 0 {
		at = len(w.list)
	}
	w.list = slices.Insert(w.list, at, x)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		x.up = nil
		w.list = slices.DeleteFunc(w.list, func(y *watcher) bool { return y == x })
	}
}

// Down begins a fault that takes every link down.
func (w *Watchers) Down() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down++
}

// Up ends such a fault. It returns no calls while another one is in force.
func (w *Watchers) Up() (calls []func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down--
	return w.calls()
}

// Moved is every client having got a new address. It returns no calls while the links
// are down.
func (w *Watchers) Moved() (calls []func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls()
}

// Close stops all watchers.
func (w *Watchers) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, x := range w.list {
		x.up = nil
	}
	w.list = nil
}

func (w *Watchers) calls() (calls []func()) {
	if w.down > 0 {
		return nil
	}
	for _, x := range w.list {
		if !x.due {
			x.due = true
			calls = append(calls, func() { w.call(x) })
		}
	}
	return calls
}

func (w *Watchers) call(x *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	x.due = false
	if x.up != nil && w.down == 0 {
		x.up()
	}
}
