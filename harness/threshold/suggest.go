package threshold

import (
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
