package quantity

import (
	"fmt"
	"math"
	"strings"

	"github.com/onebar/onebar/harness"
)

// FormatPath writes what a path does, for people: 420ms ± 60ms, 200kbit, loss
// 1%. A perfect path is "perfect".
func FormatPath(p harness.Path) string {
	words := formatDelay(p)
	switch {
	case p.Trace != nil:
		words = append(words, "trace "+p.Trace.Name)
	case p.Rate > 0:
		words = append(words, FormatRate(p.Rate))
	}
	switch {
	case p.LimitTime > 0:
		words = append(words, "limit "+FormatDuration(p.LimitTime))
	case p.Limit > 0:
		words = append(words, "limit "+FormatSize(p.Limit))
	}
	if g := p.Loss.GE; g != nil {
		mean := math.Round(g.Mean()*1e4) / 1e4
		words = append(words, fmt.Sprintf("gemodel %s %s %s %s (%s mean)", FormatShare(g.P), FormatShare(g.R),
			FormatShare(g.LossBad), FormatShare(g.LossGood), FormatShare(mean)))
	}
	for _, part := range []struct {
		name  string
		share float64
	}{{"loss", p.Loss.P}, {"reorder", p.Reorder}, {"duplicate", p.Duplicate}, {"corrupt", p.Corrupt}} {
		if part.share > 0 {
			words = append(words, part.name+" "+FormatShare(part.share))
		}
	}
	if p.MTU > 0 {
		words = append(words, fmt.Sprintf("mtu %dB", p.MTU))
	}
	if p.MTUBlackhole {
		words = append(words, "mtu_blackhole")
	}
	if len(words) == 0 {
		return "perfect"
	}
	return strings.Join(words, ", ")
}

func formatDelay(p harness.Path) []string {
	switch {
	case p.Jitter == 0 && p.Delay == 0:
		return nil
	case p.Jitter == 0:
		return []string{FormatDuration(p.Delay)}
	}
	delay := FormatDuration(p.Delay) + " ± " + FormatDuration(p.Jitter)
	if p.Distribution != harness.Uniform {
		delay += " " + p.Distribution.String()
	}
	if p.Correlation > 0 {
		delay += ", delay_correlation " + FormatShare(p.Correlation)
	}
	return []string{delay}
}
