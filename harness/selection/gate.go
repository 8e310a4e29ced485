package selection

import (
	"fmt"
	"sync"
	"time"
)

// Gate says whether a further run may begin. It is used by several goroutines.
type Gate struct {
	Began    time.Time
	Budget   time.Duration // no run begins this long after Began; 0 is no limit
	FailFast bool          // no run begins after a failure

	mu     sync.Mutex
	failed string // the first run that failed
}

// Fail says that a run failed.
func (g *Gate) Fail(run string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failed == "" {
		g.failed = run
	}
}

// Closed returns why no further run begins; empty: one may.
func (g *Gate) Closed() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.FailFast && g.failed != "":
		return fmt.Sprintf("not run, because %s failed before (--fail-fast)", g.failed)
	case g.Budget > 0 && time.Since(g.Began) >= g.Budget:
		return fmt.Sprintf("not run, because the time was over (--time-budget %v)", g.Budget)
	}
	return ""
}
