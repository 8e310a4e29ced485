package threshold

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness/metric"
	"github.com/onebar/onebar/harness/nearest"
)

func lookup(name string) (metric.Metric, bool) {
	for _, m := range metric.Catalogue() {
		if m.Name == name {
			return m, true
		}
	}
	return metric.Metric{}, false
}

// metricNames returns the names of all metrics, or of the series only.
func metricNames(onlySeries bool) []string {
	var names []string
	for _, m := range metric.Catalogue() {
		if m.Series || !onlySeries {
			names = append(names, m.Name)
		}
	}
	return names
}

// didYouMean returns the end of a sentence that proposes the nearest of names,
// or says where they are listed if none is near.
func didYouMean(word string, names []string) string {
	if best := nearest.Word(word, names); best != "" {
		return ": did you mean " + best + "?"
	}
	return "; docs/metrics.md lists them"
}

// always matches a wish, in words, for what the checks judge in every run.
var always = regexp.MustCompile(`(?i)^ *(no|zero|nothing)[ _-]+(is +)?(duplicat|double|lost|loss)`)

// meant returns the end of a sentence about the name of a metric that there is not.
func (p *parser) meant(name string) string {
	word := strings.ToLower(name)
	switch {
	case always.MatchString(p.text):
		return "; delete it: that nothing is lost or duplicated is always checked"
	case strings.Contains(word, "loss"): // not lost: those are payments
		return ": did you mean loss_up or loss_down, the share of packets lost?"
	case slices.Contains(metric.Aggregates(), word):
		return ": " + word + " is taken of a series; write it as in " + word + "(confirm)"
	case usual(name) != "":
		return ": did you mean p95(" + usual(name) + ")?"
	}
	return didYouMean(name, metricNames(false))
}

// usual returns the series of what other tools call latency, or nothing.
func usual(name string) string {
	if slices.Contains([]string{"latency", "response_time", "duration", "delay", "http_req_duration"}, strings.ToLower(name)) {
		return "confirm"
	}
	return ""
}
