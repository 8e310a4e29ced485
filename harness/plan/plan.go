// Package plan says in words what the run of a scenario will do: what is under test, the
// load, the link, the timeline, how long it takes, what is judged and what cannot be.
package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/quantity"
)

// Plan is what a run will do. All texts are for people.
type Plan struct {
	Title    string // the name of the scenario
	Summary  string
	Facts    []Row // engine, length, system, load and link
	Timeline []Row // in order; what begins at a packet, a commit or a request follows
	Random   []Row // how often, and what
	Judged   []string
	Gaps     []Row // the checks that cannot be made, and why
	Expect   []string
}

// Row is a text with a head, such as a time.
type Row struct{ Head, Text string }

// Options is what a plan needs besides the scenario.
type Options struct {
	Engine  harness.Engine
	Subject harness.Abilities // of the system under test
}

// Of returns the plan of a scenario, which has no mistakes.
func Of(sc harness.Scenario, o Options) Plan {
	p := Plan{Title: sc.Name, Summary: sc.Summary, Facts: facts(sc, o)}
	p.timeline(sc)
	for _, n := range sc.Nemesis {
		p.Random = append(p.Random, Row{quantity.FormatFrequency(n.Rate), does(n.Event, n.For, n.Restart, n.By)})
	}
	p.judge(sc, o)
	for _, e := range sc.Expect {
		p.Expect = append(p.Expect, e.Text)
	}
	return p
}

func facts(sc harness.Scenario, o Options) []Row {
	w, script := sc.Workload, sc.Duration()
	most := quantity.FormatDuration(script + sc.Settle)
	clock := "in real time: a run takes as long as it says"
	if o.Engine.Abilities().Has(harness.VirtualTime) {
		clock = "in virtual time: a run takes moments"
	}
	length := fmt.Sprintf("%s of script; then at most %s, until every payment has a final outcome: at most %s", quantity.FormatDuration(script), quantity.FormatDuration(sc.Settle), most)
	if script == 0 {
		length = fmt.Sprintf("until every payment has a final outcome: at most %s", most)
	}
	rows := []Row{{"engine", o.Engine.Name() + ", " + clock}, {"length", length}, {"system", system(sc)}}
	if o.Subject.Has(harness.FaultDisks) {
		rows = append(rows, Row{"disks", commits(sc.Commit)})
	}
	rows = append(rows, Row{"load", load(w)})
	name := cmp.Or(sc.Link.Name, "custom link")
	up, down := quantity.FormatPath(sc.Link.Up), quantity.FormatPath(sc.Link.Down)
	if up == down {
		return append(rows, Row{"link", name + ": " + up + ", each way"})
	}
	return append(rows, Row{"link", name + ": up " + up + "; down " + down})
}

func commits(t harness.Durations) string {
	switch {
	case t.Max == 0:
		return "a commit takes no time, so no two payments meet during one"
	case t.Min == t.Max:
		return "a commit takes " + span(t)
	}
	return "a commit takes " + span(t) + ", drawn anew each time"
}

func system(sc harness.Scenario) string {
	s := sc.Subject
	switch {
	case s.Client == nil && len(s.Broken) > 0:
		return "the reference wallet and bank, with " + strings.Join(s.Broken, ", ")
	case s.Client == nil:
		return "the reference wallet and bank"
	case s.Client.HTTP != nil:
		return "requests over HTTP to " + server(sc)
	}
	return "a client program, and " + server(sc)
}

func server(sc harness.Scenario) string {
	switch s := sc.Subject.Server; {
	case s == nil:
		return "no server"
	case s.Address != "":
		return "the server at " + s.Address
	case s.Container != nil:
		return "a server in a container"
	}
	return "a server program"
}

func load(w harness.Workload) string {
	amounts := []string{quantity.FormatAmounts(w.AmountMin, w.AmountMax, w.Currency)}
	for _, o := range w.Others {
		amounts = append(amounts, quantity.FormatAmounts(o.Min, o.Max, o.Currency))
	}
	text := fmt.Sprintf("%s by %s to %s, %s each", harness.Plural(w.Payments, "payment"), harness.Plural(w.Wallets, "wallet"), harness.Plural(w.Merchants, "merchant"), strings.Join(amounts, " or "))
	if w.Refusals > 0 {
		text += fmt.Sprintf("; the server must refuse %s of them", quantity.FormatShare(w.Refusals))
	}
	if w.Rate > 0 {
		text += fmt.Sprintf(", %s at random times, over about %s", quantity.FormatFrequency(w.Rate), quantity.FormatDuration(w.Span().Round(time.Millisecond)))
	} else {
		text += ", all at once"
	}
	if w.Impatient > 0 {
		text += fmt.Sprintf("; a user without a final answer presses pay again after %s, %s in all", quantity.FormatDuration(w.Impatient), harness.Plural(w.Presses, "time"))
	}
	if w.Deadline > 0 {
		text += fmt.Sprintf("; a payment must be booked within %s", quantity.FormatDuration(w.Deadline))
	}
	return text
}

// timeline adds the events in the order of their times, with the end of the script, and
// then those that something else begins.
func (p *Plan) timeline(sc harness.Scenario) {
	events := slices.Clone(sc.Timeline)
	slices.SortStableFunc(events, func(a, b harness.Event) int { return cmp.Compare(a.At, b.At) })
	var later []Row
	for _, e := range events {
		r := Row{when(e), what(e)}
		if e.Phase != "" {
			r.Text += "; its phase is named " + e.Phase
		}
		if e.MayMiss {
			r.Text += "; it may hit nothing"
		}
		if e.When != nil {
			later = append(later, r)
			continue
		}
		p.Timeline = append(p.Timeline, r)
	}
	if script := sc.Duration(); script > 0 {
		p.Timeline = append(p.Timeline, Row{quantity.FormatDuration(script), "every fault ends, and the link is that of the scenario again"})
	}
	p.Timeline = append(p.Timeline, later...)
}
