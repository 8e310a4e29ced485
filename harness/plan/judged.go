package plan

import (
	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/check"
)

// judge says which checks can be made of a run, and which cannot.
func (p *Plan) judge(sc harness.Scenario, o Options) {
	for _, c := range check.Checks() {
		if why := lacks(c.Name, sc, o); why != "" {
			p.Gaps = append(p.Gaps, Row{c.Name, why})
			continue
		}
		p.Judged = append(p.Judged, c.Name)
	}
	if !o.Engine.Abilities().Has(harness.CarryPackets) {
		p.Gaps = append(p.Gaps, Row{"loss", "the engine carries byte streams: there are no packets to count, and bytes are payload"})
	}
	if c := sc.Subject.Client; c != nil && c.Exec != nil {
		p.Gaps = append(p.Gaps, Row{"attempts", "storm and unexplained_failures judge the attempts that the client program reports; without any they are n/a"})
	}
}

// lacks says what the scenario or its system does not offer for a check; empty is
// nothing.
func lacks(name string, sc harness.Scenario, o Options) string {
	ledger, none := sc.Subject.Ledger, false
	if ledger != nil {
		none = ledger.None
	}
	switch name {
	case "lost", "duplicated", "contradicted", "altered", "phantom":
		if none {
			return "ledger: none: nobody knows what was booked"
		}
	case "unbalanced", "unfounded":
		switch {
		case none:
			return "ledger: none: there are no balances"
		case ledger != nil && (ledger.HTTP != nil && ledger.HTTP.Balances == nil || ledger.SQL != nil && ledger.SQL.Balances == ""):
			return "the ledger gives no balances"
		}
	case "early":
		if !o.Subject.Has(harness.ReportCommits) {
			return "the subject does not report its commits"
		}
	case "overdue":
		switch {
		case !o.Subject.Has(harness.ReportCommits):
			return "the subject does not report its commits"
		case !o.Subject.Has(harness.KeepDeadlines):
			return "the subject does not say that it keeps deadlines"
		}
	}
	return ""
}
