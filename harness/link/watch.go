package link

import (
	"slices"
	"sync"
)

// Watchers are those who want to know when the access links of a network carry
// packets again, see harness.LinkWatcher. A fault is on the link of one client, or of
// Everyone. The zero value is a network whose links are up, with nobody watching. Its methods may be called from several goroutines.
//
// Up and Moved return calls for the engine to make, in order. Each locks the Watchers
// and does nothing if its watcher has stopped or the links are down again.
type Watchers struct {
	mu   sync.Mutex
	down map[int]int // faults in force that take a client's link down, or that of Everyone
	list []*watcher  // in the order of their clients, those of one client in that of Watch
}

// Everyone stands for all clients.
const Everyone = -1

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

// Down begins a fault that takes the link of a client down, or that of Everyone.
func (w *Watchers) Down(client int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down == nil {
		w.down = make(map[int]int)
	}
	w.down[client]++
}

// Up ends such a fault. It returns no calls for links that another one keeps down.
func (w *Watchers) Up(client int) (calls []func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down[client]--
	return w.calls(client)
}

// Moved says that a client, or Everyone, has a new address. It returns no calls for links
// that are down.
func (w *Watchers) Moved(client int) (calls []func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls(client)
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

func (w *Watchers) isUp(client int) bool { return w.down[client] == 0 && w.down[Everyone] == 0 }

func (w *Watchers) calls(client int) (calls []func()) {
	for _, x := range w.list {
		if !x.due && w.isUp(x.client) && (client == Everyone || client == x.client) {
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
	if x.up != nil && w.isUp(x.client) {
		x.up()
	}
}
