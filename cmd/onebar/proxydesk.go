package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/nearest"
	"github.com/onebar/onebar/harness/proxy"
	"github.com/onebar/onebar/harness/spec"
)

// desk is where a person changes a link and sees what it does.
type desk struct {
	lib     spec.Library
	proxy   *proxy.Proxy
	out     io.Writer
	listens string
	base    string // the profile it began with

	mu   sync.Mutex
	name string              // of the profile in force
	dark func() (hits int64) // ends the blackhole; nil is none
	raw  bool                // out is a terminal whose lines do not begin at the left by themselves
	last proxy.Figures       // when figures were last shown
}

// keys is what the keyboard does, in the words of its help.
const keys = "n/p next or previous profile, 0 the first one, b blackhole on or off, r reset every connection, q quit"

// find returns a profile by its name.
func (d *desk) find(name string) (harness.Profile, error) {
	if p, ok := d.lib.Get(name); ok {
		return p.Profile, nil
	}
	var names []string
	for _, p := range d.lib.All() {
		names = append(names, p.Name)
	}
	hint := ""
	if near := nearest.Word(name, names); near != "" {
		hint = fmt.Sprintf(", did you mean %q?", near)
	}
	return harness.Profile{}, fmt.Errorf("there is no profile %q%s: onebar profiles shows those there are", name, hint)
}

// choose changes the profile; no name is the one it began with.
func (d *desk) choose(name string) error {
	if name == "" {
		name = d.base
	}
	p, err := d.find(name)
	if err != nil {
		return err
	}
	d.mu.Lock()
	same := name == d.name
	d.name = name
	d.mu.Unlock()
	if same {
		return nil
	}
	d.proxy.SetProfile(p)
	d.say("profile %s (%s up, %s down)", name, spec.FormatPath(p.Up), spec.FormatPath(p.Down))
	return nil
}

// step chooses the profile that is n after the present one in the list.
func (d *desk) step(n int) error {
	all := d.lib.All()
	d.mu.Lock()
	i := slices.IndexFunc(all, func(p spec.Profile) bool { return p.Name == d.name })
	d.mu.Unlock()
	return d.choose(all[(i+n+len(all))%len(all)].Name)
}

// blackhole begins or ends one.
func (d *desk) blackhole() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if end := d.dark; end != nil {
		d.dark = nil
		d.tell("blackhole off, it lost %d packets", end())
		return nil
	}
	end, err := d.proxy.Inject(harness.Fault{Action: harness.Blackhole})
	if err == nil {
		d.dark = end
		d.tell("blackhole on")
	}
	return err
}

// reset ends every open connection with a reset.
func (d *desk) reset() error {
	end, err := d.proxy.Inject(harness.Fault{Action: harness.Reset})
	if err == nil {
		d.say("reset %d connections", end())
	}
	return err
}

// press does what a key says.
func (d *desk) press(key byte) (quit bool, err error) {
	const interrupt, eof = 3, 4 // ctrl-C and ctrl-D, which a raw terminal hands over
	switch key {
	case 'q', interrupt, eof:
		return true, nil
	case 'n':
		err = d.step(1)
	case 'p':
		err = d.step(-1)
	case '0':
		err = d.choose("")
	case 'b':
		err = d.blackhole()
	case 'r':
		err = d.reset()
	case '?', 'h':
		d.say("%s", keys)
	}
	return false, err
}

// say writes a line.
func (d *desk) say(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tell(format, args...)
}

// tell is say with the lock held.
func (d *desk) tell(format string, args ...any) {
	start, end := "", "\n"
	if d.raw {
		start, end = "\r\x1b[K", "\r\n" // over the figures
	}
	fmt.Fprintf(d.out, start+format+end, args...)
}

// watch shows figures and takes keys until ctx ends or somebody quits.
func (d *desk) watch(ctx context.Context, in io.Reader, every time.Duration) error {
	pressed := make(chan byte)
	if fd, ok := d.keyboard(in); ok {
		before, err := term.MakeRaw(fd)
		if err != nil {
			return fmt.Errorf("read single keys: %w", err)
		}
		defer func() { _ = term.Restore(fd, before) }()
		d.mu.Lock()
		d.raw = true
		d.mu.Unlock()
		d.say("%s", keys)
		go read(ctx, in, pressed) // it ends with the process: a read of a terminal cannot be ended
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil // how it is ended, as with q
		case key := <-pressed:
			quit, err := d.press(key)
			if err != nil {
				d.say("%v", err)
			}
			if quit {
				d.say("")
				return nil
			}
		case <-tick.C:
			d.show()
		}
	}
}

// keyboard returns the terminal behind in, if figures are shown on one, too.
func (d *desk) keyboard(in io.Reader) (fd int, ok bool) {
	i, isFile := in.(*os.File)
	o, shows := d.out.(*os.File)
	if !isFile || !shows || !term.IsTerminal(int(i.Fd())) || !term.IsTerminal(int(o.Fd())) {
		return 0, false
	}
	return int(i.Fd()), true
}

func read(ctx context.Context, in io.Reader, pressed chan<- byte) {
	var b [1]byte
	for {
		if _, err := in.Read(b[:]); err != nil {
			return
		}
		select {
		case pressed <- b[0]:
		case <-ctx.Done():
			return
		}
	}
}

// show writes the figures since they were last shown: over each other on a
// terminal, and a line each elsewhere, unless nothing has happened.
func (d *desk) show() {
	f := d.proxy.Figures()
	d.mu.Lock()
	defer d.mu.Unlock()
	was := d.last
	d.last = f
	if !d.raw && f.Up == was.Up && f.Down == was.Down && f.Open == was.Open && f.Failed == was.Failed {
		return
	}
	text := fmt.Sprintf("%s  %s  %d open  up %s  down %s", f.At.Truncate(time.Second), d.name, f.Open,
		rateOf(was.Up, f.Up, f.At-was.At), rateOf(was.Down, f.Down, f.At-was.At))
	if d.dark != nil {
		text += "  BLACKHOLE"
	}
	if f.Error != nil {
		text += "  upstream: " + strings.ReplaceAll(f.Error.Error(), "\n", " ")
	}
	if d.raw {
		fmt.Fprintf(d.out, "\r\x1b[K%s", text)
		return
	}
	fmt.Fprintln(d.out, text)
}

// rateOf writes what passed in one direction between two moments.
func rateOf(was, is proxy.Counts, over time.Duration) string {
	packets, lost := is.Packets-was.Packets, is.Lost-was.Lost
	text := fmt.Sprintf("%.1f kbit/s %d packets", float64(is.Bytes-was.Bytes)*8/1e3/max(over.Seconds(), 1e-3), packets)
	if lost > 0 {
		text += fmt.Sprintf(" %d lost", lost)
	}
	if arrived := packets - lost; arrived > 0 {
		text += fmt.Sprintf(" %d ms", (is.Delay-was.Delay).Milliseconds()/arrived)
	}
	return text
}
