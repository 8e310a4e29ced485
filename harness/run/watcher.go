package run

import (
	"sync"
	"time"
)

// watchEvery is how often progress is reported.
const watchEvery = 200 * time.Millisecond

type watcher struct {
	tell  func(done int, state string)
	done  func() int
	mu    sync.Mutex
	state string
	quit  chan struct{}
	ended sync.WaitGroup
}

// newWatcher starts a watcher; with a nil tell it reports nothing.
func newWatcher(tell func(int, string), done func() int) *watcher {
	w := &watcher{tell: tell, done: done, quit: make(chan struct{})}
	if tell != nil {
		w.ended.Go(w.run)
	}
	return w
}

func (w *watcher) run() {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-w.quit:
			return
		case <-tick.C:
			w.mu.Lock()
			state := w.state
			w.mu.Unlock()
			w.tell(w.done(), state)
		}
	}
}

func (w *watcher) set(state string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state = state
}

func (w *watcher) stop() {
	close(w.quit)
	w.ended.Wait()
}
