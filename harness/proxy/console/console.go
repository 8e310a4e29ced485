// Package console is the screen and the keyboard of an impaired link: it shows what a
// [proxy.Proxy] does, and its keys change the link.
package console

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
	"github.com/onebar/onebar/harness/quantity"
	"github.com/onebar/onebar/harness/spec"
)

// Console shows what a proxy does, and changes its link. Its methods may be called from
// several goroutines.
type Console struct {
	profiles spec.Library
	proxy    *proxy.Proxy
	out      io.Writer
	first    string // the profile it began with

	mu   sync.Mutex
	name string              // of the profile in force
	dark func() (hits int64) // ends the blackhole; nil is none
	raw  bool                // out is a terminal in raw mode: each line needs its own carriage return
	last proxy.Figures       // when the figures were last shown
}

// New returns a console that writes to out. The link of p has the profile named first.
func New(p *proxy.Proxy, profiles spec.Library, first string, out io.Writer) *Console {
	return &Console{profiles: profiles, proxy: p, out: out, first: first, name: first}
}

// help says what the keys do.
const help = "n/p next or previous profile, 0 the first one, b blackhole on or off, r reset every connection, q quit"

// Find returns the profile with a name. Its error names the nearest one.
func Find(profiles spec.Library, name string) (harness.Profile, error) {
	if p, ok := profiles.Get(name); ok {
		return p.Profile, nil
	}
	var names []string
	for _, p := range profiles.All() {
		names = append(names, p.Name)
	}
	hint := ""
	if near := nearest.Word(name, names); near != "" {
		hint = fmt.Sprintf(", did you mean %q?", near)
	}
	return harness.Profile{}, fmt.Errorf("there is no profile %q%s: onebar profiles lists them", name, hint)
}

// Choose changes the profile of the link; an empty name is the first profile.
func (c *Console) Choose(name string) error {
	if name == "" {
		name = c.first
	}
	p, err := Find(c.profiles, name)
	if err != nil {
		return err
	}
	c.mu.Lock()
	same := name == c.name
	c.name = name
	c.mu.Unlock()
	if same {
		return nil
	}
	c.proxy.SetProfile(p)
	c.Say("profile %s (%s up, %s down)", name, quantity.FormatPath(p.Up), quantity.FormatPath(p.Down))
	return nil
}

// step chooses the profile that is n after the present one in the list.
func (c *Console) step(n int) error {
	all := c.profiles.All()
	c.mu.Lock()
	i := slices.IndexFunc(all, func(p spec.Profile) bool { return p.Name == c.name })
	c.mu.Unlock()
	return c.Choose(all[(i+n+len(all))%len(all)].Name)
}

func (c *Console) blackhole() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if end := c.dark; end != nil {
		c.dark = nil
		c.tell("blackhole off, it lost %d packets", end())
		return nil
	}
	end, err := c.proxy.Inject(harness.Fault{Action: harness.Blackhole})
	if err == nil {
		c.dark = end
		c.tell("blackhole on")
	}
	return err
}

func (c *Console) reset() error {
	end, err := c.proxy.Inject(harness.Fault{Action: harness.Reset})
	if err == nil {
		c.Say("reset %d connections", end())
	}
	return err
}

func (c *Console) press(key byte) (quit bool, err error) {
	const interrupt, eof = 3, 4 // ctrl-C and ctrl-D, which a raw terminal hands over
	switch key {
	case 'q', interrupt, eof:
		return true, nil
	case 'n':
		err = c.step(1)
	case 'p':
		err = c.step(-1)
	case '0':
		err = c.Choose("")
	case 'b':
		err = c.blackhole()
	case 'r':
		err = c.reset()
	case '?', 'h':
		c.Say("%s", help)
	}
	return false, err
}

// Say writes a line.
func (c *Console) Say(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tell(format, args...)
}

// tell is Say with the lock held.
func (c *Console) tell(format string, args ...any) {
	start, end := "", "\n"
	if c.raw {
		start, end = "\r\x1b[K", "\r\n" // over the figures
	}
	fmt.Fprintf(c.out, start+format+end, args...)
}

// Watch shows the figures and handles the keys of in, until ctx ends or the user quits.
// It reads keys only if in and the console's writer are terminals.
func (c *Console) Watch(ctx context.Context, in io.Reader, every time.Duration) error {
	pressed := make(chan byte)
	if fd, ok := c.keyboard(in); ok {
		before, err := term.MakeRaw(fd)
		if err != nil {
			return fmt.Errorf("read single keys: %w", err)
		}
		defer func() { _ = term.Restore(fd, before) }()
		c.mu.Lock()
		c.raw = true
		c.mu.Unlock()
		c.Say("%s", help)
		go read(ctx, in, pressed) // it ends with the process: a read of a terminal cannot be interrupted
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil // the usual end, as with q
		case key := <-pressed:
			quit, err := c.press(key)
			if err != nil {
				c.Say("%v", err)
			}
			if quit {
				c.Say("")
				return nil
			}
		case <-tick.C:
			c.show()
		}
	}
}

// keyboard returns the terminal behind in, if figures are shown on one, too.
func (c *Console) keyboard(in io.Reader) (fd int, ok bool) {
	i, isFile := in.(*os.File)
	o, shows := c.out.(*os.File)
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

// show writes the figures since they were last shown. On a terminal it overwrites the
// last line. Elsewhere it writes a new line, unless nothing has happened.
func (c *Console) show() {
	f := c.proxy.Figures()
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.last
	c.last = f
	if !c.raw && f.Up == was.Up && f.Down == was.Down && f.Open == was.Open && f.Failed == was.Failed {
		return
	}
	text := fmt.Sprintf("%s  %s  %d open  up %s  down %s", f.At.Truncate(time.Second), c.name, f.Open,
		rateOf(was.Up, f.Up, f.At-was.At), rateOf(was.Down, f.Down, f.At-was.At))
	if c.dark != nil {
		text += "  BLACKHOLE"
	}
	if f.Error != nil {
		text += "  upstream: " + strings.ReplaceAll(f.Error.Error(), "\n", " ")
	}
	if c.raw {
		fmt.Fprintf(c.out, "\r\x1b[K%s", text)
		return
	}
	fmt.Fprintln(c.out, text)
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
