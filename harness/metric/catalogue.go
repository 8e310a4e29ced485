package metric

import (
	"slices"
	"strings"

	"github.com/onebar/onebar/harness/result"
)

// Metric is an entry of the catalogue: something that can be measured in a run.
type Metric struct {
	Name   string      // as in a threshold
	Unit   result.Unit // of its value, or of each sample if it is a series
	Series bool        // it has a sample a payment or an attempt, and figures only through its aggregates
	Whole  bool        // it exists for the whole run only, not for a phase
	Above  bool        // a ratio that may be above 1
	More   More        // what it means if a system has more of it than before
	Text   string      // what it is, with its formula; one line without a full stop
	Absent string      // why it may be missing from the figures, as the end of "not measured: …"; empty if it never is
}

// More is what it means if a figure is higher than before and the experiment is the same.
type More uint8

// The meanings.
const (
	IsWorse   More = iota // more time, bytes, joules, attempts or findings
	IsBetter              // more confirmed payments
	IsNeither             // the network's doing, or a part of something that another figure judges
)

// MoreOf returns what it means if a figure of this name is higher than before, also if it
// is of a phase. It is IsNeither for a name that the catalogue does not have.
func MoreOf(figure string) More {
	for _, m := range Catalogue() {
		of, series := m.Name, figure
		if m.Series {
			_, series, _ = strings.Cut(figure, "(")
		}
		if rest, ok := strings.CutPrefix(series, of); ok && (rest == "" || strings.ContainsAny(rest[:1], "(,)")) {
			return m.More
		}
	}
	return IsNeither
}

// Figures returns the names of the figures m gives: its own name, or for a
// series one of each aggregate, such as "p95(confirm)".
func (m Metric) Figures() []string {
	if !m.Series {
		return []string{m.Name}
	}
	var names []string
	for _, a := range Aggregates() {
		names = append(names, a+"("+m.Name+")")
	}
	return names
}

// Aggregates returns the names that may stand before a series in parentheses, in
// the order a report shows them. Quantiles are nearest-rank and exact: pN of n
// samples is the ceil(N/100·n)-th smallest.
func Aggregates() []string { return []string{"mean", "p50", "p90", "p95", "p99", "max"} }

// The reasons for which a figure may be absent.
const (
	notAttempted = "nobody pressed pay, or the subject reported no attempt"
	noBytes      = "nobody pressed pay, or nothing was sent"
	noPackets    = "nobody pressed pay, nothing was sent, or the engine sees byte streams and no packets"
	noShare      = "nothing was sent, or the engine sees byte streams and no packets"
	noUp         = "no packet was offered up outside outages, or the engine sees byte streams and no packets"
	noDown       = "no packet was offered down outside outages, or the engine sees byte streams and no packets"
	noConfirmed  = "no payment was told confirmed"
	noTold       = "no payer was told anything"
	noAttempt    = "the subject reported no attempt that reached a connection"
	noVerdict    = "the check of this name could not be judged"
	noRadio      = "nobody pressed pay, nothing was sent, or the scenario names no radio model that is known"
	noJoules     = noRadio + ", or its model has no powers"
)

// Catalogue returns every metric, in the order a report shows them.
func Catalogue() []Metric {
	return slices.Concat(payments(), attempts(), times(), traffic(), energy(), checks())
}

func payments() []Metric {
	count := func(name, text string) Metric { return Metric{Name: name, Unit: result.Count, Text: text} }
	better := func(m Metric) Metric { m.More = IsBetter; return m }
	neither := func(m Metric) Metric { m.More = IsNeither; return m }
	return []Metric{
		better(count("payments", "orders for which pay was pressed at least once")),
		count("presses", "times pay was pressed, over all orders"),
		better(count("confirmed", "payments with a press whose last outcome is confirmed")),
		count("declined", "payments not confirmed whose latest press was last told declined"),
		count("expired", "payments not confirmed whose latest press was last told expired"),
		count("failed", "payments not confirmed whose latest press was last told failed"),
		count("unknown", "payments not confirmed whose latest press was last told unknown, or told nothing"),
		count("queued", "payments not confirmed whose latest press was last told queued"),
		neither(count("recovered", "payments told unknown at some time and told confirmed later")),
	}
}

func attempts() []Metric {
	per := func(name, text string) Metric {
		return Metric{Name: name, Unit: result.Count, Text: text + " / payments", Absent: notAttempted}
	}
	return []Metric{
		per("attempts_per_payment", "attempts that reached a connection, without status queries"),
		per("status_queries_per_payment", "queries about an earlier attempt, if they reached a connection"),
		per("connections_per_payment", "connections that attempts and queries dialed"),
		per("failed_dials_per_payment", "attempts and queries that ended before a connection was open, so that no server can have seen them"),
	}
}

func times() []Metric {
	series := func(name, text, absent string) Metric {
		return Metric{Name: name, Unit: result.Seconds, Series: true, Text: text, Absent: absent}
	}
	return []Metric{
		series("confirm", "time from the first press of a payment until it is first told confirmed; one sample for each confirmed payment", noConfirmed),
		series("feedback", "time from the first press of a payment until its payer is first told anything; one sample for each payment told", noTold),
		series("attempt", "how long an attempt took, answered or not, if it reached a connection; without status queries; one sample for each attempt", noAttempt),
	}
}

func traffic() []Metric {
	per := func(name string, unit result.Unit, text, absent string) Metric {
		return Metric{Name: name, Unit: unit, Text: text + " / payments", Absent: absent}
	}
	share := func(more More, name, text, absent string) Metric {
		return Metric{Name: name, Unit: result.Ratio, More: more, Text: text, Absent: absent}
	}
	bytes := func(name, way string) Metric {
		return per(name, result.Bytes, "IP bytes offered to the links "+way+
			", with headers, handshakes, ACKs, retransmissions and what was lost, without cross traffic (payload bytes if the engine sees byte streams)", noBytes)
	}
	return []Metric{
		bytes("bytes_per_payment", "both ways"),
		bytes("bytes_up_per_payment", "up"),
		bytes("bytes_down_per_payment", "down"),
		per("packets_per_payment", result.Count, "packets offered to the links both ways, without cross traffic", noPackets),
		per("packets_up_per_payment", result.Count, "packets offered to the links up, without cross traffic", noPackets),
		per("packets_down_per_payment", result.Count, "packets offered to the links down, without cross traffic", noPackets),
		share(IsWorse, "retransmitted_share", "packets whose data, SYN or FIN had been sent before / packets offered, both ways, without cross traffic", noShare),
		share(IsNeither, "loss_up", "packets up lost at random / packets up delivered or lost at random, cross traffic included", noUp),
		share(IsNeither, "loss_down", "packets down lost at random / packets down delivered or lost at random, cross traffic included", noDown),
	}
}

func energy() []Metric {
	per := func(name string, unit result.Unit, text, absent string) Metric {
		return Metric{Name: name, Unit: unit, Text: text + " / payments", Absent: absent}
	}
	return []Metric{
		per("joules_per_payment", result.Joules, "J that the radios spent on payments: promotions, bytes and connected time with its tails, without idle time", noJoules),
		per("marginal_joules_per_payment", result.Joules, "J above idle that the radio would not have spent without the payment, summed over the payments", noJoules),
		{Name: "joules", Unit: result.Joules, Series: true, Text: "J that the radio spent on a payment, as in joules_per_payment; one sample for each payment", Absent: noJoules},
		per("promotions_per_payment", result.Count, "moves of the radio to a more powerful state that packets of payments caused", noRadio),
		per("radio_on_seconds_per_payment", result.Seconds, "time the radio was connected or promoting for payments", noRadio),
		{Name: "tail_share", Unit: result.Ratio, More: IsNeither, Text: "J of payments spent connected with nothing to send / J of payments", Absent: noJoules},
		{
			Name: "battery_share_per_1000_payments", Unit: result.Ratio, Above: true, Absent: noJoules,
			Text: "1000 · joules_per_payment / 41,580 J, a battery of 3000 mAh at 3.85 V",
		},
	}
}

// checks are the counts of the verdicts. They are in the catalogue so that an
// expectation can say "duplicated == 0", though every check is made anyway.
func checks() []Metric {
	finding := func(name, text string) Metric {
		return Metric{Name: name, Unit: result.Count, Whole: true, Text: "findings of the check of this name: " + text, Absent: noVerdict}
	}
	return []Metric{
		finding("lost", "told confirmed or accepted, and not posted"),
		finding("duplicated", "posted more than once"),
		finding("contradicted", "told declined, expired or failed, and posted"),
		finding("unfounded", "declined for lack of funds that were there"),
		finding("unrefused", "made although the server must refuse them"),
		finding("altered", "posted with another order, amount, payer, payee or currency"),
		finding("phantom", "posted, but nobody asked for it"),
		finding("unresolved", "without a final outcome after the settle"),
		finding("flipped", "told another outcome after a final one"),
		finding("unbalanced", "balances that do not add up"),
		finding("early", "told confirmed before the booking was durable"),
		finding("overdue", "booked after the deadline"),
		finding("storm", "more attempts and status queries that reached a connection than workload.attempts, or one before the Retry-After of the server"),
		finding("unexplained_failures", "attempts and status queries that failed although nothing hindered them; the check fails if they are most"),
	}
}
