package radio_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/radio"
	"github.com/onebar/onebar/harness/yamltext"
)

var update = flag.Bool("update", false, "write the table of docs/energy.md anew")

// good is a model without mistakes, one line a state.
const good = `radio: 1
name: mine
title: A phone of mine
kind: lte
source: measured on a bench
confirmed: yes
states:
  - {name: IDLE, power: 10mW, promotions: [{to: CONNECTED, takes: 260ms, booked: before, power: 1.2W}]}
  - {name: CONNECTED, power: 1W, lasts: 10s, then: IDLE, promotions: []}
`

func TestReadModel(t *testing.T) {
	m, err := radio.ReadModel("mine.yaml", []byte(good))
	require.NoError(t, err)
	require.Equal(t, "mine", m.Name)
	require.Equal(t, radio.Confirmed, m.Confirmed)
	require.Equal(t, radio.DefaultBurst, m.Burst)
	require.Equal(t, 10*time.Second, m.States[1].Lasts)
	require.InDelta(t, 0.01, m.States[0].Power, 1e-12)
	p := m.States[0].Promotions[0]
	require.Equal(t, radio.Promotion{
		Over: -1, To: 1, Takes: 260 * time.Millisecond, AtLeast: 260 * time.Millisecond, AtMost: 260 * time.Millisecond,
		Booked: radio.Before, Power: 1.2,
	}, p)
}

// Each mistake is named with its place and with what was expected.
func TestBadModels(t *testing.T) {
	swap := func(old, now string) string {
		if !strings.Contains(good, old) {
			panic(old)
		}
		return strings.Replace(good, old, now, 1)
	}
	for name, tc := range map[string]struct{ file, want string }{
		"empty":                       {"", "m.yaml:1:1: the file is empty; a model begins with radio: 1"},
		"not YAML":                    {"radio: [1\n", "m.yaml:1:8: a [ is not closed; write radio: [1]"},
		"a tab":                       {"radio: 1\n\tname: x\n", "m.yaml:2:1: a tab in the indentation; YAML wants spaces"},
		"not UTF-8":                   {"radio: \xff\n", "m.yaml:1:8: this is not UTF-8; save the file as UTF-8"},
		"too deep":                    {strings.Repeat("[", 70), "m.yaml:1:1: more than 64 brackets are open"},
		"too large":                   {strings.Repeat("# comment\n", 7000), "m.yaml:1:1: the file is larger than 64 KiB"},
		"two documents":               {good + "---\nradio: 1\n", "m.yaml:11:1: a second YAML document begins"},
		"a list":                      {"- radio: 1\n", "m.yaml:1:1: the model is a list; expected keys with values"},
		"somebody's keys":             {"key: SECRET: x\n", "m.yaml:1:1: this is no file of onebar's: it has no key radio, as in radio: 1"},
		"version":                     {swap("radio: 1", "radio: 2"), `m.yaml:1:8: radio "2" is not known; expected 1`},
		"unknown key":                 {swap("kind:", "kin:"), `m.yaml:4:1: unknown key "kin" in the model; did you mean "kind"?`},
		"a key twice":                 {swap("kind:", "name: x\nkind:"), "m.yaml:4:1: name stands here a second time; it is already given on line 2"},
		"a missing key":               {swap("source: measured on a bench\n", ""), "m.yaml:1:1: the model has no source"},
		"an empty value":              {swap("measured on a bench", ""), "source is empty; expected text"},
		"a name with a capital":       {swap("name: mine", "name: Mine"), `m.yaml:2:7: name "Mine" has 'M' in it; write name: mine`},
		"trust":                       {swap("confirmed: yes", "confirmed: maybe"), `m.yaml:6:12: confirmed "maybe" is not known; expected one of yes, recalled, weak`},
		"an alias":                    {swap("kind: lte", "kind: *k"), "an anchor or alias, which is not supported"},
		"no states":                   {good[:strings.Index(good, "states:")] + "states: []\n", "the model has no states"},
		"negative power":              {swap("power: 1W", "power: -1W"), "m.yaml:9:30: power -1W is out of range; expected 0W to 100W"},
		"a power without unit":        {swap("power: 1W", "power: 1"), `m.yaml:9:30: power "1" has no unit; expected watts, such as 0.5W`},
		"an endless power":            {swap("power: 1W", "power: InfW"), `m.yaml:9:30: power "InfW" is not a number with a unit; expected watts`},
		"absurd power":                {swap("power: 1W", "power: 101W"), "power 101W is out of range; expected 0W to 100W"},
		"a cycle on for too long":     {swap("power: 1W", "power: {every: 1s, on: 2s, high: 1W, low: 0W}"), "m.yaml:9:30: power is on for 2s of every 1s"},
		"a cycle without low":         {swap("power: 1W", "power: {every: 1s, on: 1s, high: 1W}"), "m.yaml:9:30: power has no low"},
		"a list for a power":          {swap("power: 1W", "power: [1]"), "m.yaml:9:30: power is a list; expected watts, such as 0.5W or 10mW, or unknown, or keys with values"},
		"missing timer":               {swap("lasts: 10s, ", ""), "m.yaml:9:5: state CONNECTED has no lasts"},
		"a timer to nowhere":          {swap("then: IDLE, ", ""), "m.yaml:9:5: state CONNECTED has no then"},
		"a timer of nothing":          {swap("lasts: 10s", "lasts: 0s"), "lasts 0s is out of range; expected 1ms to 1h"},
		"a timer without unit":        {swap("lasts: 10s", "lasts: 10"), `lasts "10" has no unit (10s? 10ms?); expected a duration such as 300ms`},
		"a negative timer":            {swap("lasts: 10s", "lasts: -1s"), `lasts "-1s" is negative; expected a duration such as 300ms`},
		"unknown state":               {swap("then: IDLE", "then: IDEL"), `m.yaml:9:52: there is no state "IDEL"; the model has IDLE, CONNECTED`},
		"a state without power":       {swap(", power: 1W", ""), "m.yaml:9:5: the state has no power: watts, unknown, or a cycle {every, on, high, low}"},
		"a promotion to nothing":      {swap("to: CONNECTED, ", ""), "m.yaml:8:44: the promotion has no to: the state after the promotion"},
		"a state twice":               {swap("{name: CONNECTED", "{name: IDLE"), "m.yaml:9:12: a second state named IDLE; the first stands on line 8"},
		"timers in a circle":          {swap("then: IDLE", "then: CONNECTED"), "m.yaml:9:52: the timers after CONNECTED never lead to IDLE, the idle state"},
		"a timer of the idle state":   {swap("power: 10mW,", "power: 10mW, lasts: 1s,"), "m.yaml:8:38: IDLE is the first state, the idle one: nothing but a packet leaves it, so it has no lasts"},
		"a promotion to idle":         {swap("promotions: []", "promotions: [{to: IDLE}]"), "m.yaml:9:76: to leads to IDLE, the idle state; only timers lead there"},
		"a promotion to itself":       {swap("promotions: []", "promotions: [{to: CONNECTED}]"), "to leads from CONNECTED to itself"},
		"a promotion without takes":   {swap("takes: 260ms, ", ""), "m.yaml:8:44: the promotion has no takes"},
		"a promotion without booked":  {swap("booked: before, ", ""), "m.yaml:8:44: the promotion has no booked"},
		"a promotion without power":   {swap(", power: 1.2W", ""), "m.yaml:8:44: the promotion needs power if it is booked before or after"},
		"power of a revised one":      {swap("booked: before", "booked: revised"), "and has none if revised"},
		"a revised one that outlasts": {swap("takes: 260ms, booked: before, power: 1.2W", "takes: 11s, booked: revised"), "a revised promotion takes 11s; expected no more than CONNECTED lasts"},
		"at_most of one before":       {swap("booked: before", "booked: before, at_most: 1s"), "at_least and at_most are for promotions booked after"},
		"at_least beyond takes":       {swap("booked: before", "booked: after, at_least: 1s"), "the promotion takes 260ms; expected at_least (1s) no more"},
		"over in half bytes":          {swap("{to:", "{over: 1.5B, to:"), `over "1.5B" is not whole in the smallest unit; expected a size such as 120B`},
		"over below nothing":          {swap("{to:", "{over: -1B, to:"), `over "-1B" is negative; expected a size such as 120B`},
		"a way that is none":          {swap("{to:", "{on: sideways, to:"), `on "sideways" is not known; expected one of up, down`},
		"busy with itself":            {swap("promotions: []", "busy: CONNECTED"), "busy needs a state other than CONNECTED and the idle one"},
		"resume of the idle state":    {swap("power: 10mW,", "power: 10mW, resume: CONNECTED,"), "IDLE is the first state, the idle one: nothing but a packet leaves it, so it has no resume"},
		"a window into idle":          {good + "window: {length: 50ms, in: CONNECTED, over: 3000B, becomes: IDLE}\n", "m.yaml:10:9: the window turns CONNECTED into IDLE"},
		"a window over nothing":       {good + "window: {length: 50ms, in: CONNECTED, over: many packets, becomes: HIGH}\n", `over "many packets" is not a whole number; expected a size such as 3000B, or such as 15 packets`},
		"a booked state with a timer": {good + "  - {name: HIGH, power: 1W, lasts: 1s, then: IDLE}\nwindow: {length: 50ms, in: CONNECTED, over: 3000B, becomes: HIGH}\n", "m.yaml:10:36: HIGH replaces another state, by busy or window, and is never entered, so it has no lasts"},
		"a promotion to a booked one": {strings.Replace(good, "to: CONNECTED", "to: HIGH", 1) + "  - {name: HIGH, power: 1W}\nwindow: {length: 50ms, in: CONNECTED, over: 3000B, becomes: HIGH}\n", "to leads to HIGH, which replaces another state, by busy or window, and is never entered"},
		"too many states":             {good + strings.Repeat("  - {name: X, power: 1W, lasts: 1s, then: IDLE}\n", 7), "m.yaml:16:5: a model has at most 8 states"},
		"too many promotions":         {swap("promotions: []", "promotions: ["+strings.Repeat("{to: IDLE}, ", 17)+"]"), "a model has at most 16 promotions"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := radio.ReadModel("m.yaml", []byte(tc.file))
			require.ErrorContains(t, err, tc.want)
			require.Nil(t, m)
			var all yamltext.Mistakes
			require.ErrorAs(t, err, &all)
		})
	}
}

// One reading shows all mistakes, in the order of the file.
func TestAllMistakesAtOnce(t *testing.T) {
	file := strings.NewReplacer("power: 10mW", "power: 10", "lasts: 10s", "lasts: 10", "kind: lte", "kind: LTE").Replace(good)
	_, err := radio.ReadModel("m.yaml", []byte(file))
	var all yamltext.Mistakes
	require.ErrorAs(t, err, &all)
	require.Len(t, all, 3)
	require.Equal(t, []int{4, 8, 9}, []int{all[0].Line, all[1].Line, all[2].Line})
}

func TestBundled(t *testing.T) {
	all := radio.Bundled()
	require.GreaterOrEqual(t, len(all), 20)
	for _, m := range all {
		again, err := radio.Lookup(m.Name)
		require.NoError(t, err, "the file of a model is named as the model")
		require.Equal(t, m.Name, again.Name)
		fromSource, err := radio.ReadModel(m.Name, radio.Source(m.Name))
		require.NoError(t, err)
		require.Equal(t, m.Title, fromSource.Title)
		require.True(t, m.Priced() || m.Kind == "5g", "only the 5G models have no powers")
		require.Equal(t, m.Confirmed != radio.Confirmed, strings.HasPrefix(m.Name, "tailender") || m.Name == "huang-lte" || m.Name == "nb-iot")
	}
	_, err := radio.Lookup("6g")
	require.ErrorContains(t, err, `there is no radio model "6g"; expected one of energybox-3g, `)
	require.Nil(t, radio.Source("../models/energybox-3g"))
}

const (
	docs  = "../../docs/energy.md"
	begin = "<!-- models: written by go test ./harness/radio -update -->\n"
	end   = "<!-- end of models -->\n"
)

// The table of models in docs/energy.md is written from the models.
func TestDocsTable(t *testing.T) {
	var b strings.Builder
	b.WriteString("| model | of | kind | confirmed | source |\n|---|---|---|---|---|\n")
	for _, m := range radio.Bundled() {
		powers := ""
		if !m.Priced() {
			powers = ", no joules"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s%s | %s |\n", m.Name, m.Title, m.Kind, m.Confirmed, powers, m.Source)
	}
	page, err := os.ReadFile(docs)
	require.NoError(t, err)
	head, rest, ok := strings.Cut(string(page), begin)
	require.True(t, ok, "the page has no mark where the table begins")
	_, tail, ok := strings.Cut(rest, end)
	require.True(t, ok, "the page has no mark where the table ends")
	want := head + begin + b.String() + end + tail
	if *update {
		require.NoError(t, os.WriteFile(docs, []byte(want), 0o600))
		return
	}
	require.Equal(t, want, string(page), "run go test ./harness/radio -update")
}

// FuzzReadModel holds that a file is either refused with a place in it, or gives
// a model that a machine can run.
func FuzzReadModel(f *testing.F) {
	f.Add([]byte(good))
	for _, m := range radio.Bundled() {
		f.Add(radio.Source(m.Name))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := radio.ReadModel("m.yaml", file)
		if err != nil {
			require.Nil(t, m)
			var all yamltext.Mistakes
			require.True(t, errors.As(err, &all))
			for _, mistake := range all {
				require.Positive(t, mistake.Line)
				require.Positive(t, mistake.Column)
			}
			return
		}
		k := radio.NewMachine(m, nil)
		for i := range 50 {
			k.Packet(radio.Packet{At: time.Duration(i*i) * 7 * time.Millisecond, Size: i * 60, Direction: 1})
			k.Packet(radio.Packet{At: time.Duration(i*i) * 7 * time.Millisecond, Size: i * 60, Direction: 2})
		}
		u := k.Finish()
		require.GreaterOrEqual(t, u.Joules, 0.0)
		require.GreaterOrEqual(t, u.RadioOn, time.Duration(0))
	})
}

// The models that the documentation shows can be read.
func TestModelsOfTheDocs(t *testing.T) {
	t.Parallel()
	block := regexp.MustCompile("(?s)\n```yaml\n([^`]*?\nstates:.*?)```")
	for _, page := range []string{"energy.md", "extending.md"} {
		text, err := os.ReadFile("../../docs/" + page)
		require.NoError(t, err)
		models := block.FindAllSubmatch(text, -1)
		require.Len(t, models, 1, page)
		_, err = radio.ReadModel(page, models[0][1])
		require.NoError(t, err)
	}
}
