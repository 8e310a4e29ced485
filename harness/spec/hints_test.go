package spec

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/spec/library"
)

// What newcomers get wrong, by habit from YAML 1.1, netem, k6 and spreadsheets, gets one
// message with the line as it should be.
func TestNewcomersMistakes(t *testing.T) {
	t.Parallel()
	const file = "onebar: 1\nname: mine\nworkload:\n  wallets: 5\n  payments: 10\n  rate: 2/s\n  amount: 10 KES\n"
	swap := func(old, with string) string {
		require.Contains(t, file, old)
		return strings.Replace(file, old, with, 1)
	}
	lib := bundled(t)
	for name, tt := range map[string]struct{ data, want string }{
		"a key indented too far":              {swap("  payments: 10", "    payments: 10"), `5:5: the line begins in column 5, the keys above it in column 3; write "  payments: 10"`},
		"a key not indented enough":           {swap("  payments: 10", " payments: 10"), `5:2: the line begins in column 2, the keys above it in column 3; write "  payments: 10"`},
		"indented in a list":                  {file + "timeline:\n  - at: 1s\n      disconnect: reset\n", `10:7: the line begins in column 7, the keys above it in column 5; write "    disconnect: reset"`},
		"an unquoted colon":                   {file + "summary: The tunnel: no network\n", `8:10: a text with a colon in it needs quotes; write summary: 'The tunnel: no network'`},
		"no space behind a colon":             {swap("payments: 10", "payments:10"), "5:11: a colon needs a space behind it; write payments: 10"},
		"a YAML directive":                    {"%YAML 1.2\n---\n" + file, "1:1: a directive of YAML, which is not supported; delete the line"},
		"currency first":                      {swap("10 KES", "KES 100"), `7:11: amount "KES 100" has "100", which is no ISO 4217 currency; write amount: 100 KES`},
		"currency without a space":            {swap("10 KES", "10kes"), `7:11: amount "10kes" has no currency; write amount: 10 KES`},
		"digits in groups":                    {swap("payments: 10", "payments: 1_000"), `5:13: payments "1_000" is not a whole number; write payments: 1000`},
		"digits with commas":                  {swap("payments: 10", "payments: 10,000"), `5:13: payments "10,000" is not a whole number; write payments: 10000`},
		"hexadecimal":                         {swap("payments: 10", "payments: 0x10"), `5:13: payments "0x10" is not a whole number; write payments: 16`},
		"an exponent":                         {swap("payments: 10", "payments: 1e3"), `5:13: payments "1e3" is not a whole number; write payments: 1000`},
		"a name with spaces":                  {swap("name: mine", "name: My Shop # 1"), `2:7: name "My Shop" has 'M' in it; write name: my-shop # 1`},
		"yes":                                 {file + "timeline:\n  - {at: 1s, crash: client, vanish: yes}\n", `9:37: vanish "yes" says nothing; write - {at: 1s, crash: client, vanish: true}`},
		"no":                                  {file + "timeline:\n  - {at: 1s, crash: client, vanish: no}\n", `9:37: vanish "no" says nothing; expected true, or no such key`},
		"a side as it is called here":         {file + "timeline:\n  - {at: 1s, crash: bank}\n", `9:21: crash "bank" is not known; write - {at: 1s, crash: server}`},
		"latency":                             {file + "link: {latency: 100ms}\n", `8:8: unknown key "latency" in link; write link: {both: {delay: 100ms}}`},
		"latency of a direction":              {file + "link:\n  up:\n    latency: 100 ms\n", `10:5: unknown key "latency" in up; write delay: 100ms`},
		"packet_loss":                         {file + "link:\n  packet_loss: 2%\n", `9:3: unknown key "packet_loss" in link; write both: {loss: 2%}`},
		"packet-loss as a share":              {file + "link: {up: {packet-loss: 0.02}}\n", `8:13: unknown key "packet-loss" in up; write link: {up: {loss: 2%}}`},
		"bandwidth":                           {file + "link: {bandwidth: 2Mbps}\n", `8:8: unknown key "bandwidth" in link; write link: {both: {rate: 2mbit}}`},
		"a value that fits nowhere":           {file + "link: {bandwidth: 2MB/s}\n", `8:8: unknown key "bandwidth" in link; write link: {both: {rate: …}}`},
		"users":                               {swap("wallets: 5", "users: 5"), `4:3: unknown key "users" in workload; write wallets: 5`},
		"users of the file":                   {file + "users: 5\n", `8:1: unknown key "users" in the scenario; give it within workload, as in workload: {wallets: 5}`},
		"thresholds":                          {file + "thresholds:\n  - p95(confirm) < 8s\n", `8:1: unknown key "thresholds" in the scenario; did you mean "expect"?`},
		"a threshold without a list":          {file + "expect: p95(confirm, phase:settle) < 8s\n", `8:9: expect is "p95(confirm, phase:settle) < 8s"; expected a list; write expect: ['p95(confirm, phase:settle) < 8s']`},
		"tags without a list":                 {file + "tags: smoke, mine\n", `8:7: tags is "smoke, mine"; expected a list; write tags: [smoke, mine]`},
		"loss of the file":                    {file + "loss: 2%\n", `8:1: unknown key "loss" in the scenario; write link: {both: {loss: 2%}}`},
		"loss of the workload":                {swap("rate: 2/s", "loss: 2%"), `6:3: unknown key "loss" in workload; a file has it as link: {both: {loss: 2%}}`},
		"loss of an event":                    {file + "timeline:\n  - {at: 1s, loss: 2%}\n", `9:14: unknown key "loss" in timeline; write - {at: 1s, link: {both: {loss: 2%}}}`},
		"the length of an event":              {file + "timeline:\n  - {at: 1s, disconnect: blackhole, duration: 1s}\n", `9:37: unknown key "duration" in timeline; write - {at: 1s, disconnect: blackhole, for: 1s}`},
		"a fault as a key":                    {file + "timeline:\n  - {at: 1s, blackhole: true, for: 1s}\n", `9:14: unknown key "blackhole" in timeline; write - {at: 1s, disconnect: blackhole, for: 1s}`},
		"minutes":                             {file + "settle: 5 minutes\n", `8:9: settle "5 minutes" has a space before its unit; write settle: 5m`},
		"a space before percent":              {file + "link: {both: {loss: 2 %}}\n", `8:21: loss "2 %" is not a percentage; write link: {both: {loss: 2%}}`},
		"Mbps":                                {file + "link: {both: {rate: 2Mbps}}\n", `8:21: rate "2Mbps" has the unknown unit "Mbps"; write link: {both: {rate: 2mbit}}`},
		"a rate a second in words":            {swap("2/s", "2 per second"), `6:9: rate "2 per second" is not a frequency; write rate: 2/s`},
		"a number without a unit":             {file + "settle: 5\n", `8:9: settle "5" has no unit (5s? 5ms?); expected a duration such as 300ms, 15s or 1m30s`},
		"a list of profiles":                  {file + "link: [edge, umts]\n", `8:7: link is a list; expected the name of a profile, or keys with values; write link: edge`},
		"a profile of the file":               {file + "profile: edge\n", `8:1: unknown key "profile" in the scenario; write link: edge`},
		"a negative percentage":               {file + "link: {both: {loss: -1%}}\n", `8:21: loss "-1%" is negative; expected a percentage such as 2% or 0.5%`},
		"a negative seed":                     {file + "seed: -1\n", `8:7: seed "-1" is negative; expected a whole number such as 20`},
		"loss beside a profile":               {file + "timeline:\n  - {at: 1s, link: gprs, loss: 5%}\n", `9:26: unknown key "loss" in timeline; give it within link, as in link: {profile: gprs, both: {loss: 5%}}`},
		"loss beside a link":                  {file + "timeline:\n  - {at: 1s, link: {profile: gprs}, loss: 5%}\n", `9:37: unknown key "loss" in timeline; give it within link, as in link: {both: {loss: 5%}}`},
		"clients beside wallets":              {swap("  wallets: 5", "  wallets: 5\n  clients: 5"), `5:3: unknown key "clients" in workload; that is wallets, which line 4 gives already`},
		"a profile without its key":           {file + "link: {edge, both: {loss: 5}}\n", `8:8: unknown key "edge" in link; write link: {profile: edge, both: {loss: 5%}}` + "\n" + `f:8:27: loss "5" has no percent sign (0.02 is written 2%); write link: {profile: edge, both: {loss: 5%}}`},
		"network and loss":                    {file + "network: edge\nloss: 5%\n", `8:1: unknown key "network" in the scenario; for network and loss write link: {profile: edge, both: {loss: 5%}}` + "\n" + `f:9:1: unknown key "loss" in the scenario; for network and loss write link: {profile: edge, both: {loss: 5%}}`},
		"latency and loss of an event":        {file + "timeline:\n  - {at: 1s, latency: 100ms, loss: 5%}\n", `9:14: unknown key "latency" in timeline; for latency and loss write link: {both: {delay: 100ms, loss: 5%}}` + "\n" + `f:9:30: unknown key "loss" in timeline; for latency and loss write link: {both: {delay: 100ms, loss: 5%}}`},
		"one mistake without a line":          {file + "link: {both: {loss: 5, delay: soon}}\n", `8:21: loss "5" has no percent sign (0.02 is written 2%); write 5%` + "\n" + `f:8:31: delay "soon" is not a duration; expected a duration such as 300ms, 15s or 1m30s`},
		"a forgotten brace":                   {file + "timeline:\n  - {at: 10s, disconnect: blackhole, for: 20s\nexpect:\n  - p95(confirm) < 8s\n", `9:5: a { is not closed; write - {at: 10s, disconnect: blackhole, for: 20s}`},
		"a forgotten brace before an event":   {file + "timeline:\n  - {at: 1s, disconnect: reset\n  - {at: 2s, heal: true}\n", `9:5: a { is not closed; write - {at: 1s, disconnect: reset}`},
		"a forgotten brace of two":            {file + "link: {both: {loss: 5%}\nexpect: [p95(confirm) < 8s]\n", `8:7: a { is not closed; write link: {both: {loss: 5%}}`},
		"a forgotten bracket":                 {file + "tags: [a, b\nexpect: [p95(confirm) < 8s]\n", `8:7: a [ is not closed; write tags: [a, b]`},
		"a bracket closed by a brace":         {file + "tags: [a, b}\n", `8:7: a [ is not closed`},
		"a brace over lines":                  {file + "link: {\n  both: {loss: 5%}\nsettle: 5s\n", `8:7: a { is not closed`},
		"assert":                              {file + "assert:\n  - p95(confirm) < 8s\n", `8:1: unknown key "assert" in the scenario; did you mean "expect"?`},
		"downstream":                          {file + "timeline:\n  - {at: 1s, disconnect: blackhole, for: 3s, direction: downstream}\n", `9:57: direction "downstream" is not known; write - {at: 1s, disconnect: blackhole, for: 3s, direction: down}`},
		"a rate without a unit":               {swap("rate: 2/s", "rate: 60"), `6:9: rate "60" is not a frequency; write rate: 60/s or rate: 60/min`},
		"the length of an outage":             {file + "timeline:\n  - {at: 1s, outage: 20s}\n", `9:14: unknown key "outage" in timeline; write - {at: 1s, disconnect: blackhole, for: 20s}`},
		"an outage with its length":           {file + "timeline:\n  - {at: 1s, outage: true, for: 2s}\n", `9:14: unknown key "outage" in timeline; write - {at: 1s, disconnect: blackhole, for: 2s}`},
		"the length of an outage twice":       {file + "timeline:\n  - {at: 1s, outage: 3s, for: 2s}\n", `9:14: unknown key "outage" in timeline; write - {at: 1s, disconnect: blackhole, for: 2s}`},
		"an outage below an event":            {file + "timeline:\n  - at: 1s\n    outage: 20s\n", `10:5: unknown key "outage" in timeline; write disconnect: blackhole, and for: 20s on a line of its own`},
		"a reset that lasts":                  {file + "timeline:\n  - {at: 1s, reset: 20s}\n", `9:14: unknown key "reset" in timeline; write - {at: 1s, disconnect: reset}`},
		"an event too deep":                   {file + "timeline:\n  - at: 1s\n    disconnect: reset\n    - at: 2s\n      disconnect: reset\n", `11:5: the line begins in column 5, the dashes above it in column 3; write "  - at: 2s"`},
		"an event in brackets too deep":       {file + "timeline:\n  - {at: 1s, disconnect: reset}\n    - {at: 2s, disconnect: reset}\n", `10:5: the line begins in column 5, the dashes above it in column 3; write "  - {at: 2s, disconnect: reset}"`},
		"an item too deep":                    {file + "expect:\n  - confirmed >= 4\n   - p95(confirm) < 35s\n", `10:4: the line begins in column 4, the dashes above it in column 3; write "  - p95(confirm) < 35s"`},
		"an item not deep enough":             {file + "expect:\n  - confirmed >= 4\n - p95(confirm) < 35s\n", `10:2: the line begins in column 2, the dashes above it in column 3; write "  - p95(confirm) < 35s"`},
		"an event without a dash":             {file + "timeline:\n  at: 10s\n  disconnect: reset\n", `9:3: timeline is a mapping; expected a list; begin each item with a dash, as in - {at: 10s, …}`},
		"an event in brackets without a list": {file + "timeline: {at: 10s, disconnect: reset}\n", `8:11: timeline is a mapping; expected a list; begin each item with a dash, as in - {at: 10s, …}`},
		"two items too deep":                  {file + "expect:\n  - confirmed >= 4\n   - p95(confirm) < 35s\n   - lost == 0\n", `10:4: the line begins in column 4, the dashes above it in column 3; write "  - p95(confirm) < 35s"`},
		"an item too deep before another":     {file + "expect:\n  - confirmed >= 4\n   - p95(confirm) < 35s\n  - lost == 0\n", `10:4: the line begins in column 4, the dashes above it in column 3; write "  - p95(confirm) < 35s"`},
		"a tag too deep":                      {file + "tags:\n  - smoke\n    - mine\n", `10:5: the line begins in column 5, the dashes above it in column 3; write "  - mine"`},
		"two faults of other names":           {file + "timeline:\n  - {at: 1s, outage: 2s, network: gprs}\n", `9:14: unknown key "outage" in timeline; write disconnect: blackhole, for: 2s` + "\n" + `f:9:26: unknown key "network" in timeline; write link: gprs`},
		"two profiles":                        {file + "link: {gprs, edge}\n", `8:8: unknown key "gprs" in link; for gprs and edge write profile: gprs` + "\n" + `f:8:14: unknown key "edge" in link; for gprs and edge write profile: gprs`},
		"an event too late":                   {file + "timeline:\n  - {at: 10s, crash: bank}\n", `9:10: the event at 10s begins after the end of the script, which is 5s long; give a later duration or an earlier event` + "\n" + `f:9:22: crash "bank" is not known; write server`},
		"loss as a metric":                    {file + "expect: [loss > 4%]\n", `8:10: threshold "loss > 4%": no metric is named "loss": did you mean loss_up or loss_down, the share of packets lost?`},
		"packet_loss as a metric":             {file + "expect: [packet_loss < 0.1]\n", `8:10: threshold "packet_loss < 0.1": no metric is named "packet_loss": did you mean loss_up or loss_down, the share of packets lost?`},
		"a percentile of nothing":             {file + "expect: [p95 < 8s]\n", `8:10: threshold "p95 < 8s": no metric is named "p95": p95 is taken of a series; write it as in p95(confirm)`},
		"latency as a metric":                 {file + "expect: [latency < 8s]\n", `8:10: threshold "latency < 8s": no metric is named "latency": did you mean p95(confirm)?`},
		"latency as a series":                 {file + "expect: [p99(latency) < 8s]\n", `8:14: threshold "p99(latency) < 8s": no series is named "latency": did you mean confirm?`},
		"no duplicates":                       {file + "expect:\n  - no duplicates\n", `9:5: threshold "no duplicates": no metric is named "no"; delete it: that nothing is lost or duplicated is always checked`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("f", []byte(tt.data), lib)
			require.EqualError(t, err, "f:"+tt.want)
		})
	}
}

// What a hint tells to write is what it takes.
func TestWrittenAsTold(t *testing.T) {
	t.Parallel()
	const file = "onebar: 1\nname: mine\nworkload: {wallets: 5, payments: 10, rate: 2/s, amount: 10 KES}\n"
	for _, line := range []string{
		"link: {latency: 100ms}", "link: {packet_loss: 0.02}", "bandwidth: 2Mbps", "settle: 5 minutes", "tags: smoke, mine", "network: edge", "link: [edge, umts]", "link: {edge, both: {loss: 5}}", "network: edge\nloss: 5%", "timeline: [{at: 1s, outage: 2s, direction: upstream}]",
		"tags: [a, b",
		"summary: The tunnel: no network", "expect: p95(confirm) < 8s", "settle: 1.5 hours", "link: {up: {limit: 20 kilobytes, rate: 64 kbit/s}}",
	} {
		text := file + line + "\n"
		for range 3 { // a line may have two mistakes
			_, err := Parse("f", []byte(text), bundled(t))
			if err == nil {
				break
			}
			first, _, _ := strings.Cut(err.Error(), "\n")
			_, write, ok := strings.Cut(first, "write ")
			require.True(t, ok, "%s: %s", line, first)
			text = file + write + "\n"
		}
		_, err := Parse("f", []byte(text), bundled(t))
		require.NoError(t, err, line)
	}
}

// Each synonym leads to a key or a word that files have: a renamed key must not leave a hint
// behind that tells to write the old one.
func TestSynonymsAreKept(t *testing.T) {
	t.Parallel()
	schema := string(Schema(bundled(t)))
	for word, meant := range library.Kind("the scenario").Synonyms {
		require.Contains(t, schema, `"`+meant[strings.LastIndexAny(meant, ".=")+1:]+`"`, word)
	}
}
