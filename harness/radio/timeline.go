package radio

import "time"

// timeline turns intervals in a state into changes. It holds the intervals of a window
// back until the window is closed, because that may change their state.
type timeline struct {
	tell   func(Change)
	window Window
	held   []Change
	last   int
}

// unsaid is the state of a timeline that has reported nothing.
const unsaid = -2

func (l *timeline) add(state int, at time.Duration) {
	if l.window.Length == 0 {
		l.put(state, at)
		return
	}
	l.held = append(l.held, Change{at, state})
}

func (l *timeline) close(high bool) {
	for _, c := range l.held {
		if high && c.State == l.window.From {
			c.State = l.window.To
		}
		l.put(c.State, c.At)
	}
	l.held = l.held[:0]
}

// put reports a state if it differs from the one before.
func (l *timeline) put(state int, at time.Duration) {
	if state != l.last {
		l.last = state
		l.tell(Change{at, state})
	}
}
