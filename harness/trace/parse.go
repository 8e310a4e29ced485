package trace

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/onebar/onebar/harness/delivery"
)

// MaxFile is the largest trace file in bytes: room for an hour of mahimahi's
// form at 20 Mbit/s.
const MaxFile = 64 << 20

// maxMistakes is how many mistakes of a file are told: a file of the wrong kind
// has one in every line.
const maxMistakes = 10

// Mistake is one thing that is wrong in a trace file.
type Mistake struct {
	Line int    // from 1
	Text string // what is wrong and what was expected
}

// Error returns line N: text.
func (m Mistake) Error() string { return fmt.Sprintf("line %d: %s", m.Line, m.Text) }

// Mistakes are the mistakes of a trace file in its order, the first ten.
type Mistakes []Mistake

// Error returns one line per mistake.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, e := range m {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Load reads the trace file at path. If it can be read but is wrong, the error
// is [Mistakes]. Devices and pipes are refused.
func Load(path string) (Series, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Series{}, fmt.Errorf("there is no file %s: %w", path, fs.ErrNotExist)
	case err != nil:
		return Series{}, err
	case !info.Mode().IsRegular():
		return Series{}, fmt.Errorf("%s is no regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return Series{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return Series{}, err
	}
	return Parse(data)
}

// Parse is Load for a file already read. On error there is no series, and the
// error is [Mistakes].
func Parse(data []byte) (Series, error) {
	if len(data) > MaxFile {
		return Series{}, Mistakes{{1, fmt.Sprintf("the trace is larger than %d MiB; cut a piece out of it", MaxFile>>20)}}
	}
	var p parser
	for text := range strings.Lines(string(data)) {
		p.line++
		if len(p.mistakes) == maxMistakes {
			break
		}
		text, _, _ = strings.Cut(text, "#")
		if text = strings.TrimSpace(text); text != "" {
			p.read(text)
		}
	}
	s, err := p.end()
	if err != nil {
		return Series{}, err
	}
	return s, nil
}

// parser reads a trace line by line.
type parser struct {
	line     int
	columns  int // of the form; 0 before the first line
	mistakes Mistakes

	opportunities []time.Duration
	rates         []delivery.Rate // with the last, and times as in the file
}

func (p *parser) errorf(format string, args ...any) {
	p.mistakes = append(p.mistakes, Mistake{p.line, fmt.Sprintf(format, args...)})
}

func (p *parser) read(text string) {
	if p.columns == 1 && plain(text) { // nearly every line there is
		p.opportunity(text)
		return
	}
	words := strings.FieldsFunc(unbracketed(text), func(r rune) bool { return r == ' ' || r == '\t' || r == ',' })
	if p.columns == 0 && (len(words) == 1 || len(words) == 2) {
		p.columns = len(words)
	}
	switch {
	case p.columns == 0:
		p.errorf("%s is no line of a trace: expected a whole number of milliseconds (mahimahi's form), or seconds and Mbit/s", p.excerpt(text))
	case len(words) != p.columns && p.columns == 1:
		p.errorf("%s: expected one whole number of milliseconds, as in the lines above", p.excerpt(text))
	case len(words) != p.columns:
		p.errorf("%s: expected two numbers, seconds and Mbit/s, as in the lines above", p.excerpt(text))
	case p.columns == 1:
		p.opportunity(words[0])
	default:
		p.rate(words[0], words[1])
	}
}

func plain(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}

// unbracketed strips the brackets of "[1, 2]" or "[1, 2],".
func unbracketed(text string) string {
	inner, ok := strings.CutPrefix(text, "[")
	if !ok {
		return text
	}
	inner, ok = strings.CutSuffix(strings.TrimSuffix(inner, ","), "]")
	if !ok {
		return text
	}
	return inner
}

// excerpt quotes a text of the line, cut short. Before a line was read that is one of a
// trace it quotes only what numbers are made of: the file may be no trace, but somebody's
// keys.
func (p *parser) excerpt(text string) string {
	const most = 40
	if len(p.opportunities)+len(p.rates) == 0 && strings.Trim(text, "0123456789.,+-eE[] \t") != "" {
		return "the text there"
	}
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return strconv.Quote(text)
}

func (p *parser) opportunity(word string) {
	ms, err := strconv.ParseInt(word, 10, 64)
	at := time.Duration(ms) * time.Millisecond
	var last time.Duration
	if n := len(p.opportunities); n > 0 {
		last = p.opportunities[n-1]
	}
	switch {
	case err != nil:
		p.errorf("%s is not a whole number of milliseconds", p.excerpt(word))
	case ms < 0:
		p.errorf("the time %d is negative: expected milliseconds from the start", ms)
	case ms > MaxPeriod.Milliseconds():
		p.errorf("the time %d ms is out of range: a trace lasts at most %d h", ms, int(MaxPeriod.Hours()))
	case at < last:
		p.errorf("the time %d goes back: the line above has %d, expected that or more", ms, last.Milliseconds())
	default:
		p.opportunities = append(p.opportunities, at)
	}
}

func (p *parser) rate(second, mbit string) {
	seconds, ok := number(second)
	if !ok {
		p.errorf("%s is not a number of seconds", p.excerpt(second))
		return
	}
	rate, ok := number(mbit)
	if !ok {
		p.errorf("%s is not a number of Mbit/s", p.excerpt(mbit))
		return
	}
	first, last := math.Inf(1), time.Duration(-1)
	if n := len(p.rates); n > 0 {
		first, last = p.rates[0].At.Seconds(), p.rates[n-1].At
	}
	at := time.Duration(math.Round(seconds * 1e9))
	switch {
	case seconds < 0:
		p.errorf("the time %s is negative: expected seconds from the start", second)
	case seconds > maxClock:
		p.errorf("the time %s is out of range: expected at most %d seconds", second, int64(maxClock))
	case at <= last:
		p.errorf("the time %s does not go on: the line above has %s, expected more", second, decimal(int64(last), 9))
	case seconds-first > MaxPeriod.Seconds():
		p.errorf("the time %s is more than %d h after the first: a trace lasts at most that", second, int(MaxPeriod.Hours()))
	case rate < 0:
		p.errorf("the rate %s is negative: expected 0 or more Mbit/s", mbit)
	case rate > delivery.MaxRate/1e6:
		p.errorf("the rate %s is out of range: expected at most %d Mbit/s", mbit, int64(delivery.MaxRate/1e6))
	default:
		p.rates = append(p.rates, delivery.Rate{At: at, Rate: int64(math.Round(rate * 1e6))})
	}
}

// maxClock is the highest time of a file in seconds: clocks of Unix fit.
const maxClock = 4e9

// number reads a decimal number, also with an exponent, as programs write them.
func number(word string) (float64, bool) {
	if strings.Trim(word, "0123456789.eE+-") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(word, 64)
	return f, err == nil
}

// end returns the series, or what is wrong. That the trace as a whole is none is
// told at its last line.
func (p *parser) end() (Series, error) {
	p.line = max(p.line, 1)
	if len(p.mistakes) > 0 {
		return Series{}, p.mistakes
	}
	s := Series{Opportunities: p.opportunities}
	switch n := len(p.rates); {
	case p.columns == 0:
		p.errorf("the trace is empty: expected whole milliseconds (mahimahi's form), or seconds and Mbit/s")
	case p.columns == 2 && n < 2:
		p.errorf("the trace has one line: expected another, at the time it ends")
	case p.columns == 2:
		first := p.rates[0].At
		s = Series{Period: p.rates[n-1].At - first, Rates: p.rates[:n-1]}
		for i := range s.Rates {
			s.Rates[i].At -= first
		}
	}
	if len(p.mistakes) == 0 {
		if _, err := s.Trace(""); err != nil {
			p.errorf("%v", err)
		}
	}
	if len(p.mistakes) > 0 {
		return Series{}, p.mistakes
	}
	return s, nil
}
