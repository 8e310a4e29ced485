package check

// impairment: every event of the timeline hit something, and the links did what their
// profiles say, see impairment.Links.Judge. If not, the run is unknown.
func (j *Judge) impairment() answer {
	a := answer{doubt: j.incomplete()}
	findings, summary := j.links.Judge()
	for _, f := range findings {
		a.found("", f)
	}
	a.pass = summary
	return a
}
