package radio

import "time"

// spendGap adds the time up to end to a state, in a gap that ends with a packet at t.
// The time is tail, unless the gap lies within a transfer.
func (k *Machine) spendGap(state int, end, t time.Duration) {
	tail := state != 0 && t-k.pos.last > k.model.Burst
	if busy := k.model.States[state].Busy; busy != 0 && !tail {
		state = busy
	}
	k.spend(state, end, tail)
}

// spend adds the time up to end to a state.
func (k *Machine) spend(state int, end time.Duration, tail bool) {
	d := end - k.pos.counted
	if d <= 0 {
		return
	}
	k.acct.state[state] += d
	if tail {
		k.acct.tail[state] += d
	}
	k.pass(state, end, tail)
}

// spendPromotion adds the time up to end to a promotion.
func (k *Machine) spendPromotion(number int, end time.Duration) {
	if d := end - k.pos.counted; d > 0 {
		k.acct.promo[number] += d
		k.pass(promoting, end, false)
	}
}

// pass moves the time to end in a state, closes the windows that end before it, and
// adds the state to the timeline.
func (k *Machine) pass(state int, end time.Duration, tail bool) {
	c := &k.pos
	w := &k.model.Window
	from := c.counted
	c.counted = end
	if w.Length > 0 {
		if n := int64(end / w.Length); n != c.window {
			boundary := time.Duration(c.window+1) * w.Length
			k.within(state, from, boundary, tail)
			k.closeWindow()
			if k.line != nil && n > int64(boundary/w.Length) {
				k.line.put(state, boundary) // windows without packets stay low
			}
			c.window, from = n, time.Duration(n)*w.Length
		}
	}
	k.within(state, from, end, tail)
}

// within adds an interval that lies in the present window.
func (k *Machine) within(state int, from, end time.Duration, tail bool) {
	if end <= from {
		return
	}
	if k.model.Window.Length > 0 && state == k.model.Window.From {
		k.pos.watched += end - from
		if tail {
			k.pos.tail += end - from
		}
	}
	if k.line != nil {
		k.line.add(state, from)
	}
}

// closeWindow moves the watched time of the window to the higher state if the window
// saw enough.
func (k *Machine) closeWindow() {
	c := &k.pos
	w := &k.model.Window
	high := w.Length > 0 && c.seen > w.Over
	if high {
		k.acct.state[w.From] -= c.watched
		k.acct.state[w.To] += c.watched
		k.acct.tail[w.From] -= c.tail
		k.acct.tail[w.To] += c.tail
	}
	if k.line != nil {
		k.line.close(high)
	}
	c.seen, c.watched, c.tail = 0, 0, 0
}
