package bubble

import (
	"fmt"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Goroutine is one goroutine of a stack trace, reduced to the user's code: calls inside the
// standard library and the harness are left out.
type Goroutine struct {
	ID     int     `json:"id"`
	State  string  `json:"state"`            // what it waits for, as the runtime writes it
	Call   string  `json:"call,omitempty"`   // the call outside the user's code that it is in
	Frames []Frame `json:"frames,omitempty"` // innermost first; all of them if none is the user's

	durable bool // it does not stop virtual time
	bubble  int64
}

// Frame is one call.
type Frame struct {
	Func string `json:"func"` // such as wallet.(*Wallet).Pay
	File string `json:"file"`
	Line int    `json:"line"`

	pkg string // import path
}

// String says in a few words where the goroutine is.
func (g Goroutine) String() string {
	s := fmt.Sprintf("goroutine %d [%s]", g.ID, g.State)
	if g.Call != "" {
		s += " in " + g.Call + ", called"
	}
	if len(g.Frames) > 0 {
		f := g.Frames[0]
		s += fmt.Sprintf(" by %s (%s:%d)", f.Func, path.Base(f.File), f.Line)
	}
	return s
}

// locked reports whether the goroutine waits for a mutex.
func (g Goroutine) locked() bool { return strings.HasPrefix(g.State, "sync.") && !g.durable }

// goroutines returns the goroutines of a bubble. Those of the harness are included only
// if there are no others.
func goroutines(bubble int64) []Goroutine {
	if bubble == 0 {
		return nil
	}
	buf := make([]byte, 1<<20)
	n := runtime.Stack(buf, true)
	for n == len(buf) && n < 64<<20 {
		buf = make([]byte, 2*n)
		n = runtime.Stack(buf, true)
	}
	var all, theirs []Goroutine
	for _, g := range parse(string(buf[:n])) {
		if g.bubble != bubble || g.State == "synctest.Run" {
			continue
		}
		all = append(all, g)
		if g.theirs() {
			theirs = append(theirs, g)
		}
	}
	if len(theirs) > 0 {
		return theirs
	}
	return slices.DeleteFunc(all, func(g Goroutine) bool { return len(g.Frames) == 0 })
}

// panicking returns the calling goroutine, which recovers from a panic.
func panicking() []Goroutine {
	buf := make([]byte, 64<<10)
	text := string(buf[:runtime.Stack(buf, false)])
	head, rest, _ := strings.Cut(text, "\n")
	if i := strings.Index(rest, "\npanic("); i >= 0 {
		rest = rest[i+1:]
	}
	return parse(head + "\n" + rest)
}

func bubbleID() int64 {
	buf := make([]byte, 4<<10)
	for _, g := range parse(string(buf[:runtime.Stack(buf, false)])) {
		return g.bubble
	}
	return 0
}

func parse(text string) []Goroutine {
	var list []Goroutine
	for block := range strings.SplitSeq(text, "\n\n") {
		i := strings.Index(block, "goroutine ")
		if i > 0 && block[i-1] != '\n' || i < 0 {
			continue
		}
		head, rest, _ := strings.Cut(block[i:], "\n")
		g, ok := parseHead(head)
		if !ok {
			continue
		}
		g.Frames = parseFrames(rest)
		g.cut()
		list = append(list, g)
	}
	return list
}

// parseHead reads "goroutine 12 [sync.Mutex.Lock, 2 minutes, synctest bubble 1]:".
func parseHead(s string) (g Goroutine, ok bool) {
	id, state, ok := strings.Cut(strings.TrimPrefix(s, "goroutine "), " [")
	if !ok {
		return g, false
	}
	id, _, _ = strings.Cut(id, " ")
	var err error
	if g.ID, err = strconv.Atoi(id); err != nil {
		return g, false
	}
	words := strings.Split(strings.TrimRight(state, "]:"), ", ")
	g.State, g.durable = strings.CutSuffix(words[0], " (durable)")
	for _, w := range words[1:] {
		if n, ok := strings.CutPrefix(w, "synctest bubble "); ok {
			g.bubble, _ = strconv.ParseInt(n, 10, 64)
		}
	}
	return g, true
}

// parseFrames reads pairs of lines: the call with its arguments, and after a tab
// file, line and offset. The creator of the goroutine is left out.
func parseFrames(text string) []Frame {
	var list []Frame
	lines := strings.Split(text, "\n")
	for i := 0; i+1 < len(lines); i++ {
		call, place := lines[i], lines[i+1]
		if strings.HasPrefix(call, "created by ") {
			break
		}
		place, ok := strings.CutPrefix(place, "\t")
		if !ok {
			continue
		}
		i++
		if n := strings.LastIndexByte(call, '('); n > 0 {
			call = call[:n]
		}
		place, _, _ = strings.Cut(place, " +0x")
		colon := strings.LastIndexByte(place, ':')
		if colon < 0 {
			continue
		}
		line, _ := strconv.Atoi(place[colon+1:])
		pkg, name := splitFunc(call)
		list = append(list, Frame{Func: name, File: place[:colon], Line: line, pkg: pkg})
	}
	return list
}

// splitFunc returns the import path of a function, and its name with the last
// element of the path.
func splitFunc(call string) (pkg, name string) {
	slash := strings.LastIndexByte(call, '/') + 1
	dot := strings.IndexByte(call[slash:], '.')
	if dot < 0 {
		return "", call
	}
	return strings.ReplaceAll(call[:slash+dot], "%2e", "."), call[slash:]
}

// cut keeps the frames of the user's code, if there are any.
func (g *Goroutine) cut() {
	var theirs []Frame
	for i, f := range g.Frames {
		if !f.theirs() {
			continue
		}
		if len(theirs) == 0 && i > 0 {
			g.Call = g.Frames[i-1].Func
		}
		theirs = append(theirs, f)
	}
	if len(theirs) > 0 {
		g.Frames = theirs
	}
}

func (g Goroutine) theirs() bool { return len(g.Frames) > 0 && g.Frames[0].theirs() }

// theirs reports whether a call is in neither the standard library nor onebar's
// harness and command.
func (f Frame) theirs() bool {
	if strings.HasSuffix(f.File, "_test.go") {
		return true
	}
	const harness = "github.com/onebar/onebar/harness"
	if f.pkg == harness || strings.HasPrefix(f.pkg, harness+"/") || f.pkg == "" {
		return false
	}
	if f.pkg == "main" && strings.Contains(f.File, "/onebar/cmd/onebar/") {
		return false
	}
	first, _, _ := strings.Cut(f.pkg, "/")
	return !slices.Contains(strings.Fields(standard), first)
}

// standard are the first elements of the import paths of the standard library.
const standard = `archive bufio bytes cmp compress container context crypto database debug
embed encoding errors expvar flag fmt go hash html image index internal io iter log maps
math mime net os path plugin reflect regexp runtime slices sort strconv strings structs
sync syscall testing text time unicode unique unsafe weak vendor`
