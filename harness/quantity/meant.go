package quantity

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Meant returns texts that the writer of a text may have meant, which no reader of this
// package takes: 5m for "5 minutes", 2mbit for "2Mbps", 100 KES for "KES 100", 16 for "0x10",
// true for "yes", my-shop for "My Shop". A caller offers the first that its own reader takes.
func Meant(text string) []string {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseInt(text, 0, 64); err == nil && strings.ContainsAny(text, "xXoObB_") {
		return []string{strconv.FormatInt(n, 10)}
	}
	if slices.Contains([]string{"yes", "on", "true", "y", "1"}, strings.ToLower(text)) {
		return []string{"true"}
	}
	text = thousands.ReplaceAllStringFunc(text, func(s string) string { return strings.NewReplacer(",", "", "_", "", "'", "").Replace(s) })
	all := []string{text}
	number, unit := split(text)
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err == nil && f > 0 && f < 1:
		return append(all, FormatShare(f))
	case err == nil && f > 0:
		return append(all, strconv.FormatFloat(f, 'f', -1, 64), number+"%", number+"/s")
	case number != "":
		for _, u := range append(units(strings.TrimSpace(unit)), strings.TrimSpace(unit)) {
			all = append(all, number+u)
		}
	}
	if m := money.FindStringSubmatch(text); m != nil {
		all = append(all, m[2]+m[3]+" "+strings.ToUpper(m[1]+m[4]))
	}
	return append(all, strings.Join(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r == ' ' || r == '_' }), "-"))
}

var (
	thousands = regexp.MustCompile(`\b[0-9]{1,3}([,_'][0-9]{3})+`)
	money     = regexp.MustCompile(`^(?:([A-Za-z]{3}) *([0-9.]+)|([0-9.]+) *([A-Za-z]{3}))$`)
)

// units returns how this package has a unit that was written in another way. MB/s and the
// like are bytes a second, for which it has no unit.
func units(word string) (found []string) {
	if strings.Contains(word, "B/") || strings.Contains(word, "Bps") {
		return nil
	}
	word = strings.ToLower(word)
	for _, u := range []struct{ unit, words string }{
		{"us", "usec microsecond microseconds"},
		{"ms", "msec msecs millis millisecond milliseconds"},
		{"s", "sec secs second seconds"},
		{"m", "min mins minute minutes"},
		{"h", "hr hrs hour hours"},
		{"%", "percent pct"},
		{"bit", "bps bit/s bits/s"},
		{"kbit", "kbps kb/s kbit/s kbits kbits/s"},
		{"mbit", "mbps mb/s mbit/s mbits mbits/s"},
		{"gbit", "gbps gb/s gbit/s"},
		{"B", "byte bytes"},
		{"KB", "kilobyte kilobytes"},
		{"MB", "megabyte megabytes"},
		{"KiB", "kibibytes"},
		{"MiB", "mebibytes"},
		{"/s", "persecond /sec /second hz rps tps"},
		{"/min", "perminute /m /minute"},
		{"/h", "perhour /hour"},
	} {
		if word == strings.ToLower(u.unit) || slices.Contains(strings.Fields(u.words), strings.ReplaceAll(word, " ", "")) {
			found = append(found, u.unit)
		}
	}
	return found
}
