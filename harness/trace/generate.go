package trace

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/delivery"
)

// Recipe is what a synthetic trace is made from. The zero Seed is as good as any
// other. Traces up and down of one seed, kind and length have their stalls at
// the same moments, as a radio that is gone is gone both ways.
type Recipe struct {
	Kind      string // one of Kinds
	Seed      uint64
	Direction harness.Direction
	Length    time.Duration // MinLength to MaxPeriod, in whole seconds
}

// MinLength is the shortest trace that Generate makes: the rarest stall comes
// once in five minutes.
const MinLength = 5 * time.Minute

// kind is the statistics of a kind of trace.
type kind struct {
	name, about string
	up, down    float64       // mean rate in Mbit/s, stalls included
	step        time.Duration // the rate changes this often
	spread      float64       // standard deviation of the logarithm of the rate
	memory      float64       // correlation of that logarithm with the step before
	stalls      []stalls
	handover    bool // at each step the link is gone for 30 to 50 ms
}

// stalls are outages at random instants. Their lengths are log-normal around a
// median, and cut.
type stalls struct {
	perMinute       float64
	median, longest time.Duration
	spread          float64 // standard deviation of the logarithm of the length
}

// kinds are the traces we make. What drives what (the measurements are gaps
// without a delivery opportunity in traces of mahimahi's repository, taken for
// this project; of those longer than 1 s the number a minute and the median, and
// the share of the time in those longer than 0.5 s):
//
//   - bus: TMobile-UMTS-driving, 943 kbit/s up and 2020 down, 1.5 to 1.8 a minute
//     of 1.9 s, 8 to 10 %. Hence 2 stalls a minute with a median of 1.5 s, cut at
//     12 s; the spread of 1 then gives 8 %.
//   - metro: ATT-LTE-driving-2016, 1910 kbit/s up and 4560 down, up to 4 a minute
//     of 1.1 s, 11.5 %. Hence 6.5 a minute with a median of 1 s, cut at 4.1 s; and
//     once in five minutes the tunnel between two stations, 30 s, which those
//     traces do not have.
//   - rural: Verizon-EVDO-driving, 843 kbit/s up and 521 down, 2.4 a minute of
//     1.1 s, the longest 11.6 s, 15 %. Hence 6.5 a minute with a median of 0.75 s,
//     cut at 12 s.
//   - satellite: a low orbit, where terminals are given another satellite every
//     15 s and round trips then rise by 30 to 50 ms (Huston, blog.apnic.net, 2022
//     and 2024). Hence 30 to 50 ms without delivery, and another rate, at each
//     multiple of 15 s. Its rates of 10 Mbit/s up and 100 down are assumed, as in
//     the profile leo-satellite.
//
// How far and how fast the rate strays between stalls was not measured: spread
// and memory are ours.
func kinds() []kind {
	return []kind{
		{
			name: "bus", about: "UMTS on a bus", up: 0.943, down: 2.020,
			step: time.Second, spread: 0.5, memory: 0.8,
			stalls: []stalls{{perMinute: 2, median: 1500 * time.Millisecond, longest: 12 * time.Second, spread: 1}},
		},
		{
			name: "metro", about: "LTE on an underground railway, with a tunnel every five minutes", up: 1.910, down: 4.560,
			step: time.Second, spread: 0.6, memory: 0.8,
			stalls: []stalls{
				{perMinute: 6.5, median: time.Second, longest: 4100 * time.Millisecond, spread: 0.4},
				{perMinute: 0.2, median: 30 * time.Second, longest: 30 * time.Second},
			},
		},
		{
			name: "rural", about: "EV-DO on country roads", up: 0.843, down: 0.521,
			step: time.Second, spread: 0.5, memory: 0.9,
			stalls: []stalls{{perMinute: 6.5, median: 750 * time.Millisecond, longest: 12 * time.Second, spread: 1}},
		},
		{
			name: "satellite", about: "a low-orbit constellation with a handover every 15 seconds", up: 10, down: 100,
			step: 15 * time.Second, spread: 0.3, handover: true,
		},
	}
}

// Kinds returns the names of the kinds of Generate, each with a few words about
// it.
func Kinds() [][2]string {
	var names [][2]string
	for _, k := range kinds() {
		names = append(names, [2]string{k.name, k.about})
	}
	return names
}

// The streams of randomness of a recipe. Those of a run are harness.Stream's.
const (
	streamStalls harness.Stream = iota + 1
	streamUp
	streamDown
)

// Generate makes a trace. The same recipe gives the same trace. Its rates are in
// steps of 10 kbit/s and its times in milliseconds; the mean rate, the number of
// stalls and the spread of their lengths are those of the kind at any length,
// because the lengths are the quantiles of their distribution in random order.
func Generate(r Recipe) (Series, error) {
	i := slices.IndexFunc(kinds(), func(k kind) bool { return k.name == r.Kind })
	switch {
	case i < 0:
		return Series{}, fmt.Errorf("no kind of trace is named %q", r.Kind)
	case r.Direction != harness.Up && r.Direction != harness.Down:
		return Series{}, fmt.Errorf("direction %v: expected up or down", r.Direction)
	case r.Length < MinLength || r.Length > MaxPeriod || r.Length%time.Second != 0:
		return Series{}, fmt.Errorf("length %v: expected whole seconds from %v to %v", r.Length, MinLength, MaxPeriod)
	}
	k, stream := kinds()[i], streamUp
	mean := k.up
	if r.Direction == harness.Down {
		stream, mean = streamDown, k.down
	}
	out := k.outages(harness.Rand(r.Seed, streamStalls), r.Length)
	rates := k.rates(harness.Rand(r.Seed, stream), r.Length)
	return Series{Rates: join(rates, k.step, out, mean, r.Length), Period: r.Length}, nil
}

type outage struct{ from, to time.Duration }

// outages returns all outages in their order; none touches another.
func (k kind) outages(rnd *rand.Rand, length time.Duration) []outage {
	if k.handover {
		var all []outage
		for at := time.Duration(0); at < length; at += k.step {
			all = append(all, outage{at, at + time.Duration(30+rnd.IntN(21))*time.Millisecond})
		}
		return all
	}
	var lengths []time.Duration
	for _, s := range k.stalls {
		n := int(math.Round(s.perMinute * length.Minutes()))
		for i := range n {
			lengths = append(lengths, s.quantile((float64(i)+0.5)/float64(n)))
		}
	}
	rnd.Shuffle(len(lengths), func(i, j int) { lengths[i], lengths[j] = lengths[j], lengths[i] })
	return place(rnd, lengths, length)
}

// quantile returns the length that the share p of the stalls does not exceed, in
// whole milliseconds.
func (s stalls) quantile(p float64) time.Duration {
	z := math.Sqrt2 * math.Erfinv(2*p-1) // of the standard normal distribution
	d := time.Duration(float64(s.median) * math.Exp(s.spread*z))
	return min(d, s.longest).Round(time.Millisecond)
}

// place puts outages of the given lengths at random instants, which for outages
// as short as these is a Poisson process given their number: uniform in the time
// that is left, with apart between two of them.
func place(rnd *rand.Rand, lengths []time.Duration, length time.Duration) []outage {
	const apart = time.Second
	free := length - time.Duration(len(lengths)+1)*apart
	for _, d := range lengths {
		free -= d
	}
	at := make([]time.Duration, len(lengths))
	for i := range at {
		at[i] = time.Duration(rnd.Int64N(int64(free/time.Millisecond))) * time.Millisecond
	}
	slices.Sort(at)
	all := make([]outage, len(lengths))
	shift := apart
	for i, d := range lengths {
		all[i] = outage{at[i] + shift, at[i] + shift + d}
		shift += d + apart
	}
	return all
}

// rates returns the rate in each step up to a factor: the exponential of an
// autoregressive process of the first order.
func (k kind) rates(rnd *rand.Rand, length time.Duration) []float64 {
	rates := make([]float64, (length+k.step-1)/k.step)
	x := rnd.NormFloat64()
	for i := range rates {
		rates[i] = math.Exp(k.spread * x)
		x = k.memory*x + math.Sqrt(1-k.memory*k.memory)*rnd.NormFloat64()
	}
	return rates
}

// join cuts the outages out of the rates, one per step, and scales them to the
// mean in Mbit/s.
func join(rates []float64, step time.Duration, out []outage, mean float64, length time.Duration) []delivery.Rate {
	type piece struct {
		at   time.Duration
		rate float64
	}
	var pieces []piece
	next := 0
	for i, r := range rates {
		at := time.Duration(i) * step
		for next < len(out) && out[next].to < at {
			next++
		}
		if next == len(out) || at < out[next].from {
			pieces = append(pieces, piece{at, r})
		}
	}
	for _, o := range out {
		pieces = append(pieces, piece{o.from, 0})
		if o.to < length {
			pieces = append(pieces, piece{o.to, rates[o.to/step]})
		}
	}
	slices.SortFunc(pieces, func(a, b piece) int { return cmp.Compare(a.at, b.at) })
	carried := 0.0
	for i, p := range pieces {
		end := length
		if i+1 < len(pieces) {
			end = pieces[i+1].at
		}
		carried += p.rate * (end - p.at).Seconds()
	}
	const grain = 10_000 // bit/s
	scale := mean * 1e6 * length.Seconds() / carried / grain
	all := make([]delivery.Rate, len(pieces))
	for i, p := range pieces {
		all[i] = delivery.Rate{At: p.at, Rate: int64(math.Round(p.rate*scale)) * grain}
		if p.rate > 0 {
			all[i].Rate = max(all[i].Rate, grain) // else it would be a stall that nobody asked for
		}
	}
	return all
}
