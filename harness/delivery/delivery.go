// Package delivery has delivery traces: when a radio could carry how much. Package trace
// reads them from files.
package delivery

import (
	"errors"
	"fmt"
	"math"
	"sort"
	"time"
)

// Trace is a delivery trace: what a radio could carry from one moment to the
// next. It repeats after its period. It has one of two forms: opportunities, at
// each of which up to OpportunitySize bytes may leave (mahimahi's), or rates,
// each in force until the next. It is immutable once made, and may be shared.
// Its JSON form is its name only.
type Trace struct {
	Name string `json:"name"`

	period time.Duration
	at     []time.Duration // ascending; the first is 0 in a trace of rates
	rates  []float64       // bit/s from at[i] on; nil in a trace of opportunities
	sum    []float64       // bits carried before at[i], of rates
	total  float64         // bits a period
}

// OpportunitySize is how many bytes one delivery opportunity of a mahimahi
// trace carries (Netravali et al., "Mahimahi", USENIX ATC 2015).
const OpportunitySize = 1500

// MaxRate is the highest rate of a trace, in bit/s.
const MaxRate = 10_000_000_000

// NewOpportunities returns a trace of delivery opportunities at the given
// offsets, which must not descend; the period is the last of them, as in
// mahimahi. It keeps at.
func NewOpportunities(name string, at []time.Duration) (*Trace, error) {
	if len(at) == 0 || at[len(at)-1] <= 0 {
		return nil, errors.New("the trace has no opportunity after its start: expected at least one at 1 ms or later")
	}
	for i, a := range at {
		if a < 0 || i > 0 && a < at[i-1] {
			return nil, fmt.Errorf("opportunity %d is at %v: expected no offset below 0 or before the one above", i+1, a)
		}
	}
	return &Trace{Name: name, period: at[len(at)-1], at: at, total: float64(len(at) * OpportunitySize * 8)}, nil
}

// Rate is one step of a trace of rates: Rate bit/s from At on.
type Rate struct {
	At   time.Duration
	Rate int64
}

// NewRates returns a trace of rates that repeats after period. The first step
// must be at 0, each later one after the one before it, all before the period,
// and at least one rate above 0.
func NewRates(name string, steps []Rate, period time.Duration) (*Trace, error) {
	t := &Trace{Name: name, period: period}
	for i, s := range steps {
		switch {
		case i == 0 && s.At != 0:
			return nil, fmt.Errorf("the first step is at %v: expected 0s", s.At)
		case i > 0 && s.At <= steps[i-1].At:
			return nil, fmt.Errorf("step %d is at %v: expected a time after the step above", i+1, s.At)
		case s.At >= period:
			return nil, fmt.Errorf("step %d is at %v: expected a time before the end of the trace at %v", i+1, s.At, period)
		case s.Rate < 0 || s.Rate > MaxRate:
			return nil, fmt.Errorf("step %d has %d bit/s: expected 0 to %d", i+1, s.Rate, int64(MaxRate))
		}
		end := period
		if i+1 < len(steps) {
			end = steps[i+1].At
		}
		t.at, t.rates, t.sum = append(t.at, s.At), append(t.rates, float64(s.Rate)), append(t.sum, t.total)
		t.total += float64(s.Rate) * (end - s.At).Seconds()
	}
	if t.total <= 0 {
		return nil, errors.New("the trace never carries anything: expected a rate above 0")
	}
	return t, nil
}

// Data is a trace that can be sent elsewhere. Rates is nil in a trace of
// opportunities, and otherwise as long as At.
type Data struct {
	Name   string          `json:"name"`
	Period time.Duration   `json:"period"`
	At     []time.Duration `json:"at"`
	Rates  []float64       `json:"rates,omitempty"` // bit/s
}

// Data returns all of the trace. The slices are the trace's: they must not be
// changed.
func (t *Trace) Data() Data {
	return Data{Name: t.Name, Period: t.period, At: t.at, Rates: t.rates}
}

// Trace returns the trace, or an error that says what is wrong with it. It keeps
// the slices.
func (d Data) Trace() (*Trace, error) {
	if d.Rates == nil {
		return NewOpportunities(d.Name, d.At)
	}
	if len(d.Rates) != len(d.At) {
		return nil, fmt.Errorf("it has %d rates for %d steps: expected one each", len(d.Rates), len(d.At))
	}
	steps := make([]Rate, len(d.At))
	for i, at := range d.At {
		steps[i] = Rate{At: at, Rate: int64(d.Rates[i])}
	}
	return NewRates(d.Name, steps, d.Period)
}

// Period returns after how long the trace repeats.
func (t *Trace) Period() time.Duration { return t.period }

// Rate returns the mean rate over a period, in bit/s, or 0 if the trace was read
// from JSON and has but its name.
func (t *Trace) Rate() int64 {
	if t.period <= 0 {
		return 0
	}
	return int64(math.Round(t.total / t.period.Seconds()))
}

// A Cursor is how far one link has used up a trace. The zero value has
// used nothing.
type Cursor struct {
	at    time.Duration // when the last packet left
	next  int64         // the first opportunity that is not used
	spare int           // bytes left of the opportunity at at
}

// Depart returns when the last of size bytes leaves that are ready at now, after
// all that left before. What is not used when it comes is lost. Offsets of
// successive calls with one cursor must not go back or below 0.
func (t *Trace) Depart(c *Cursor, now time.Duration, size int) time.Duration {
	if t.rates == nil {
		c.at = t.opportunity(c, now, size)
	} else {
		c.at = t.carry(max(now, c.at), float64(size*8))
	}
	return c.at
}

// carry returns when bits have been carried from an offset on.
func (t *Trace) carry(from time.Duration, bits float64) time.Duration {
	round, rest := int64(from/t.period), from%t.period
	i := sort.Search(len(t.at), func(i int) bool { return t.at[i] > rest }) - 1
	need := bits + t.sum[i] + t.rates[i]*(rest-t.at[i]).Seconds()
	if n := math.Floor(need / t.total); n > 0 {
		round += int64(n)
		need -= n * t.total
	}
	if need <= 0 { // at the very end of a round: when it last carried something
		round, need = round-1, t.total
	}
	i = max(0, sort.Search(len(t.sum), func(i int) bool { return t.sum[i] >= need })-1)
	return time.Duration(round)*t.period + t.at[i] + time.Duration(math.Ceil((need-t.sum[i])/t.rates[i]*float64(time.Second)))
}

// opportunity returns the offset of the opportunity that carries the last of
// size bytes.
func (t *Trace) opportunity(c *Cursor, now time.Duration, size int) time.Duration {
	spare := 0
	if now <= c.at {
		spare = c.spare
	}
	if size <= spare {
		c.spare = spare - size
		return c.at
	}
	n := int64(len(t.at))
	round, rest := now/t.period, now%t.period
	first := int64(round)*n + int64(sort.Search(len(t.at), func(i int) bool { return t.at[i] >= rest }))
	need := int64(size-spare+OpportunitySize-1) / OpportunitySize
	last := max(first, c.next) + need - 1
	c.next, c.spare = last+1, int(need*OpportunitySize)-(size-spare)
	return time.Duration(last/n)*t.period + t.at[last%n]
}
