package run

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
)

// triggers tell the player that an event must begin, because the packet, commit or request
// that it waits for has come. Each fires at most once, and only during the script.
type triggers struct {
	events []harness.Event             // of the timeline
	chosen [][]int                     // the wallets that each acts on; nil is all
	storer harness.Storer              // nil if commits are not counted
	watch  func(harness.Moment, int64) // called for each moment of a request; nil is not called
	fired  chan int                    // indices of events, in the order in which they fired

	mu      sync.Mutex
	playing bool
	numbers []int64                // of the commit that each event waits for, from the start of the script on
	offered map[packet]int64       // how many packets there have been, by everything but their number; nil if no event counts from a time
	packets map[packet][]int       // events by what they wait for
	stores  map[harness.Side][]int // in the order of their commits
	moments map[moment][]int
	begun   map[int]chan struct{} // for which a call of moment waits; closed when the event has begun
	failed  map[harness.Side]bool // its power has failed at a commit, and the crash has not begun
}

type packet struct {
	link      string // empty is the access link of client
	client    int
	direction harness.Direction
	n         int64
}

type moment struct {
	harness.Moment
	request int64
}

func newTriggers(sc harness.Scenario, o Options) *triggers {
	events := sc.Timeline
	t := &triggers{
		events: events, fired: make(chan int, len(events)),
		packets: map[packet][]int{}, stores: map[harness.Side][]int{}, failed: map[harness.Side]bool{},
		moments: map[moment][]int{}, begun: map[int]chan struct{}{}, watch: o.Moments,
	}
	if o.Subject.Abilities()&harness.CommitsOf(harness.SideUnknown) != 0 {
		t.storer, _ = o.Subject.(harness.Storer)
	}
	t.numbers = make([]int64, len(events))
	for i, e := range events {
		t.chosen = append(t.chosen, e.Choose(o.Seed, 0, sc.Workload.Wallets))
		switch w := e.When; {
		case w == nil:
		case e.At > 0:
			t.offered = map[packet]int64{}
		case w.Commit > 0:
			t.waitForCommit(i, w.Commit)
		case w.Request > 0:
			k := moment{w.Moment, w.Request}
			t.moments[k] = append(t.moments[k], i)
		default:
			k := packet{w.Link, w.Client, w.Direction, w.Packet}
			t.packets[k] = append(t.packets[k], i)
		}
	}
	return t
}

// waitForCommit has an event begin at the n-th commit of a side in the script.
func (t *triggers) waitForCommit(event int, n int64) {
	side := t.events[event].When.Side
	t.numbers[event] = n
	t.stores[side] = append(t.stores[side], event)
	slices.SortStableFunc(t.stores[side], func(a, b int) int { return cmp.Compare(t.numbers[a], t.numbers[b]) })
}

// count has an event begin at a commit or a packet, whose number is counted from now on.
func (t *triggers) count(event int) {
	w := t.events[event].When
	if w.Commit > 0 {
		t.waitForCommit(event, t.storer.Commits(w.Side)+w.Commit)
		t.arm()
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	k := packet{link: w.Link, client: w.Client, direction: w.Direction}
	k.n = t.offered[k] + w.Packet
	t.packets[k] = append(t.packets[k], event)
}

// lose returns a function that a network calls for each packet, or nil if no event waits
// for a packet.
func (t *triggers) lose() func(harness.Packet) harness.DropReason {
	if len(t.packets) == 0 && t.offered == nil {
		return nil
	}
	return t.packet
}

// packet fires the events that wait for p, and says whether one of them loses it.
func (t *triggers) packet(p harness.Packet) harness.DropReason {
	k := packet{p.Link, p.Client, p.Direction, p.N}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.offered != nil {
		t.offered[packet{link: p.Link, client: p.Client, direction: p.Direction}] = p.N
	}
	if !t.playing {
		return harness.DropNone
	}
	reason := harness.DropNone
	for _, i := range t.packets[k] {
		if lost := fault.Loses(t.events[i], p.Direction); lost != harness.DropNone && t.events[i].On == p.Link && (t.chosen[i] == nil || slices.Contains(t.chosen[i], p.Client)) {
			reason = lost
		}
		t.fired <- i
	}
	delete(t.packets, k)
	return reason
}

// reached returns a function that a subject calls at the moments of its requests, or nil
// if nothing waits for one.
func (t *triggers) reached() func(harness.Moment, int64) {
	if len(t.moments) == 0 && t.watch == nil {
		return nil
	}
	return t.moment
}

// moment fires the events that wait for a moment. It returns when they have begun, or when
// no event can begin any more. It does not wait for events that fire later.
func (t *triggers) moment(m harness.Moment, request int64) {
	k := moment{m, request}
	t.mu.Lock()
	list := t.moments[k]
	delete(t.moments, k)
	if !t.playing {
		list = nil
	}
	if t.playing && t.watch != nil {
		t.watch(m, request)
	}
	var wait []chan struct{}
	for _, i := range list {
		if later := t.events[i].When.Wait; later > 0 {
			time.AfterFunc(later, func() { t.fire(i) })
			continue
		}
		c := make(chan struct{})
		t.begun[i] = c
		wait = append(wait, c)
		t.fired <- i
	}
	t.mu.Unlock()
	for _, c := range wait {
		<-c
	}
}

// fire fires an event, unless no event can begin any more.
func (t *triggers) fire(event int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.playing {
		t.fired <- event
	}
}

// done ends the waits of moment for an event to begin; -1 ends all waits.
func (t *triggers) done(event int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, c := range t.begun {
		if i == event || event < 0 {
			close(c)
			delete(t.begun, i)
		}
	}
}

// set begins or ends the time in which triggers fire.
func (t *triggers) set(playing bool) {
	t.mu.Lock()
	t.playing = playing
	t.mu.Unlock()
	t.arm()
}

// arm makes the power of each side fail at the next commit that an event waits for.
func (t *triggers) arm() {
	if t.storer == nil {
		return
	}
	t.mu.Lock()
	playing := t.playing
	t.mu.Unlock()
	for side, list := range t.stores {
		if len(list) == 0 {
			continue
		}
		if !playing {
			t.storer.FailCommit(side, 0, false, nil)
			continue
		}
		i, w := list[0], t.events[list[0]].When
		fault.ChooseLoss(t.storer, t.events[i])
		t.storer.FailCommit(side, t.numbers[i], w.After, func() {
			t.mu.Lock()
			t.failed[side] = true
			t.mu.Unlock()
			t.fired <- i
		})
	}
}

// failing reports whether the power of a side has failed at a commit and its crash has not
// begun.
func (t *triggers) failing(side harness.Side) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed[side]
}

// wait returns the index of an event when it fires, or -1 at an instant. It is not ok if
// ctx has ended.
func (t *triggers) wait(ctx context.Context, until time.Time) (event int, ok bool) {
	select {
	case i := <-t.fired:
		return t.came(i), true
	default:
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return -1, false
	case i := <-t.fired:
		return t.came(i), true
	case <-timer.C:
		return -1, true
	}
}

// rest yields the events that have fired and that wait has not returned, such as a power
// failure at the very end, after which the side must be restarted.
func (t *triggers) rest() iter.Seq[int] {
	return func(yield func(int) bool) {
		for len(t.fired) > 0 && yield(t.came(<-t.fired)) {
			continue
		}
	}
}

// came removes an event whose commit has come from the list.
func (t *triggers) came(i int) int {
	if w := t.events[i].When; w.Commit > 0 {
		t.stores[w.Side] = slices.DeleteFunc(t.stores[w.Side], func(j int) bool { return j == i })
		t.mu.Lock()
		delete(t.failed, w.Side)
		t.mu.Unlock()
	}
	return i
}

// commits returns how many commits each side has made, 0 if they are not counted.
func (t *triggers) commits() (client, server int64) {
	if t.storer == nil {
		return 0, 0
	}
	return t.storer.Commits(harness.Client), t.storer.Commits(harness.Server)
}
