package metric

// lookup finds a metric of the catalogue.
func lookup(name string) (Metric, bool) {
	for _, m := range Catalogue() {
		if m.Name == name {
			return m, true
		}
	}
	return Metric{}, false
}

// metricNames returns the names of all metrics, or of the series only.
func metricNames(onlySeries bool) []string {
	var names []string
	for _, m := range Catalogue() {
		if m.Series || !onlySeries {
			names = append(names, m.Name)
		}
	}
	return names
}

// didYouMean returns the end of a sentence that proposes the nearest of names,
// or says where they are listed if none is near.
func didYouMean(word string, names []string) string {
	best, at := "", len(word)/3+2
	for _, n := range names {
		if d := distance(word, n); d < at {
			best, at = n, d
		}
	}
	if best == "" {
		return "; docs/metrics.md lists them"
	}
	return ": did you mean " + best + "?"
}

// distance is the Levenshtein distance of a and b in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
