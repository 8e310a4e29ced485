package spec

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
)

// composer makes the structs of format.go from a Scenario: the way back of
// build.go and timeline.go. What it leaves out, [same] finds.
type composer struct {
	*decoder
	from string // the file that the scenario was read from
	errs []error
}

// here marks a value that is given.
func here() mark { return mark{place{1, 1}, true} }

func wordOf(s string) word {
	if s == "" {
		return word{}
	}
	return word{here(), s}
}

func slugOf(s string) slug {
	if s == "" {
		return slug{}
	}
	return slug{here(), s}
}

func textOf(s string) text {
	if s == "" {
		return text{}
	}
	return text{here(), s}
}

func verbatimOf(s string) verbatim {
	if s == "" {
		return verbatim{}
	}
	return verbatim{here(), s}
}

func yesOf(v bool) yes {
	if !v {
		return yes{}
	}
	return yes{here()}
}

// durationOf returns a duration that is given unless it is 0, as are those below.
func durationOf(d time.Duration) duration {
	if d == 0 {
		return duration{}
	}
	return duration{here(), d}
}

func offsetOf(d time.Duration) offset {
	if d == 0 {
		return offset{}
	}
	return offset{mark: here(), d: d}
}

func countOf[N int | int64](n N) count {
	if n == 0 {
		return count{}
	}
	return count{here(), int64(n)}
}

func (c *composer) scenario(sc harness.Scenario) *file {
	f := &file{
		Onebar:   wordOf("1"),
		Name:     slugOf(sc.Name),
		Summary:  textOf(sc.Summary),
		Engine:   wordOf(sc.Engine),
		Seed:     countOf(int64(sc.Seed)),
		Duration: durationOf(sc.Length),
		Workload: workloadOf(sc),
		Link:     c.link(sc.Link),
		Settle:   duration{here(), sc.Settle},
	}
	if !reflect.ValueOf(sc.Subject).IsZero() {
		c.compose(reflect.ValueOf(&f.Subject).Elem(), reflect.ValueOf(sc.Subject))
	}
	for _, t := range sc.Tags {
		f.Tags = append(f.Tags, slugOf(t))
	}
	for i, e := range sc.Timeline {
		f.Timeline = append(f.Timeline, c.event(fmt.Sprintf("event %d", i+1), e))
	}
	for i, n := range sc.Nemesis {
		f.Nemesis = append(f.Nemesis, c.trouble(fmt.Sprintf("entry %d of the nemesis", i+1), n))
	}
	if r := sc.Radio; r != nil {
		f.Radio = c.reference(r.Name)
	}
	for _, e := range sc.Expect {
		f.Expect = append(f.Expect, textOf(e.Text))
	}
	return f
}

func workloadOf(sc harness.Scenario) workload {
	w := sc.Workload
	v := workload{
		place:      here().place,
		Wallets:    count{here(), int64(w.Wallets)},
		Merchants:  count{here(), int64(w.Merchants)},
		Payments:   count{here(), int64(w.Payments)},
		Amount:     amounts{here(), w.AmountMin, w.AmountMax, w.Currency},
		Impatience: durationOf(w.Impatient),
		Presses:    countOf(w.Presses),
		Deadline:   duration{here(), w.Deadline},
		Attempts:   count{here(), int64(w.Attempts)},
	}
	if w.Balance != 0 {
		v.Balance = money{here(), w.Balance, w.Currency}
	}
	if w.Rate != 0 && (sc.Length == 0 || w.Rate != float64(w.Payments)/sc.Length.Seconds()) {
		v.Rate = frequency{here(), w.Rate}
	}
	return v
}

func (c *composer) event(what string, e harness.Event) event {
	v := event{
		place:   here().place,
		Every:   offsetOf(e.Every),
		Jitter:  offsetOf(e.Jitter),
		For:     offsetOf(e.For),
		MayMiss: yesOf(e.MayMiss),
		Phase:   slugOf(e.Phase),
		Vanish:  yesOf(e.Vanish),
		By:      durationOf(e.By),
	}
	if e.When == nil {
		v.At = offset{mark: here(), d: e.At}
	} else {
		v.When = c.trigger(what, e)
	}
	does, ok := actionOf(e.Action)
	if !ok {
		c.refuse("%s does %q, which no file can say", what, e.Action)
		return v
	}
	does.write(c, what, e, &v)
	return v
}

func (c *composer) refuse(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

func directionOf(d harness.Direction) word {
	if d == harness.DirectionUnknown {
		return word{}
	}
	return wordOf(d.String())
}

func (c *composer) trigger(what string, e harness.Event) trigger {
	w := *e.When
	if e.At != 0 {
		c.refuse("%s begins at %s and at a packet or commit", what, FormatDuration(e.At))
	}
	v := trigger{place: here().place, Packet: countOf(w.Packet), Commit: countOf(w.Commit), After: yesOf(w.After)}
	if w.Request > 0 {
		v.Request, v.Moment, v.Wait = countOf(w.Request), wordOf(w.Moment.String()), durationOf(w.Wait)
	}
	if w.Packet > 0 {
		v.Wallet, v.Direction = count{here(), int64(w.Client)}, directionOf(w.Direction)
	}
	return v
}

// toxicOf is the way back of timeline.toxic.
func (c *composer) toxicOf(what string, x *harness.Toxic) toxic {
	if x == nil {
		c.refuse("%s names no toxic", what)
		return toxic{}
	}
	v := toxic{place: here().place, Type: wordOf(x.Type), Stream: wordOf(x.Stream), Connections: countOf(x.Connections)}
	unit := max(toxicTypes()[x.Type].unit, 1)
	for name, n := range x.Attributes {
		spell := duration{here(), time.Duration(n) * unit}
		switch name {
		case "timeout":
			v.Timeout = spell
		case "delay":
			v.Delay = spell
		case "bytes":
			v.Bytes = size{here(), n}
		case "average_size":
			v.AverageSize = size{here(), n}
		case "size_variation":
			v.SizeVariation = size{here(), n}
		}
	}
	return v
}

// moved returns how a file or folder that the scenario names is named from where
// its file will be.
func (c *composer) moved(name string) string {
	if filepath.IsAbs(name) || strings.Contains(name, "{{") || filepath.Dir(c.from) == filepath.Dir(c.file) {
		return name
	}
	name = filepath.Join(filepath.Dir(c.from), name)
	short, err := filepath.Rel(filepath.Dir(c.file), name)
	if err != nil { // one of the two folders is absolute
		short, err = filepath.Abs(name)
	}
	if err != nil {
		c.errs = append(c.errs, fmt.Errorf("file %s: %w", name, err))
	}
	return filepath.ToSlash(short)
}

// reference returns how a file is named from where the scenario's will be.
func (c *composer) reference(name string) reference {
	if !isFile(name) || filepath.IsAbs(name) || filepath.Dir(c.from) == filepath.Dir(c.file) {
		return reference{here(), name}
	}
	short := c.moved(name)
	if !isFile(short) {
		short = "./" + short
	}
	return reference{here(), short}
}

// link returns the shortest form of a profile: the name of a bundled one, such a
// one with changes, or every value.
func (c *composer) link(p harness.Profile) link {
	var forms []link
	if base, ok := c.lib.Get(p.Name); ok {
		forms = append(forms, c.changes(base.Profile, p))
	}
	for _, b := range c.lib.All() {
		forms = append(forms, link{Profile: textOf(b.Name)})
	}
	for _, form := range forms {
		if c.means(form, p) {
			return form
		}
	}
	return c.changes(harness.Profile{}, p)
}

// means reports whether a link is read as p, its name apart.
func (c *composer) means(l link, p harness.Profile) bool {
	d := &decoder{file: c.file, lib: c.lib}
	got := c.lib.links().resolve(d, &l)
	got.Name, p.Name = "", ""
	return len(d.mistakes) == 0 && reflect.DeepEqual(got, p)
}

// changes returns the link that starts from a profile and says what differs in
// p, what is the same both ways once.
func (c *composer) changes(from, p harness.Profile) link {
	l := link{Profile: textOf(from.Name), Up: c.path(from.Up, p.Up), Down: c.path(from.Down, p.Down)}
	up, down, both := reflect.ValueOf(&l.Up).Elem(), reflect.ValueOf(&l.Down).Elem(), reflect.ValueOf(&l.Both).Elem()
	for _, k := range keysOf(up.Type()) {
		u, d := up.Field(k.index), down.Field(k.index)
		if u.Addr().Interface().(interface{ given() bool }).given() && reflect.DeepEqual(u.Interface(), d.Interface()) {
			both.Field(k.index).Set(u)
			u.SetZero()
			d.SetZero()
		}
	}
	for _, part := range []*path{&l.Up, &l.Down, &l.Both} {
		if *part != (path{}) {
			part.place, l.place = here().place, here().place
		}
	}
	return l
}

// path returns what differs between two paths. What a file cannot change, such as
// a rate into none, is left out.
func (c *composer) path(from, to harness.Path) path {
	var v path
	if to.Delay != from.Delay {
		v.Delay = duration{here(), to.Delay}
	}
	if to.Jitter != from.Jitter {
		v.Jitter = duration{here(), to.Jitter}
	}
	if to.Distribution != from.Distribution {
		v.Distribution = wordOf(to.Distribution.String())
	}
	if to.Rate != from.Rate && to.Rate != 0 {
		v.Rate = bitrate{here(), to.Rate}
	}
	if to.Trace != nil && !reflect.DeepEqual(to.Trace, from.Trace) {
		v.Trace = c.reference(to.Trace.Name)
	}
	if to.Limit != from.Limit || to.LimitTime != from.LimitTime {
		v.Limit = queue{here(), to.Limit, to.LimitTime}
	}
	if !reflect.DeepEqual(to.Loss, from.Loss) {
		v.Loss = lossOf(to.Loss)
	}
	for _, s := range []struct {
		to   *share
		a, b float64
	}{
		{&v.Correlation, from.Correlation, to.Correlation},
		{&v.Reorder, from.Reorder, to.Reorder},
		{&v.Duplicate, from.Duplicate, to.Duplicate},
		{&v.Corrupt, from.Corrupt, to.Corrupt},
	} {
		if s.a != s.b {
			*s.to = share{here(), s.b}
		}
	}
	if to.MTU != from.MTU {
		v.MTU = size{here(), int64(to.MTU)}
	}
	v.MTUBlackhole = yesOf(to.MTUBlackhole && !from.MTUBlackhole)
	return v
}

func lossOf(l harness.Loss) loss {
	v := loss{place: here().place}
	if g := l.GE; g != nil {
		share := func(f float64) share { return share{here(), f} }
		v.GEModel = gemodel{here().place, share(g.P), share(g.R), share(g.LossBad), share(g.LossGood)}
		return v
	}
	v.Share = share{here(), l.P}
	return v
}
