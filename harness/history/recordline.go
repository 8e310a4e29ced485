package history

import (
	"bytes"
	"encoding"
	"fmt"
	"math"
	"strconv"

	"github.com/onebar/onebar/harness"
)

// appendRecord appends the JSON line of r: what json.Marshal would write, without
// its cost. It does so for packets and for what a payment leaves behind, which is nearly
// all of a history; ok is false, and b as it was, if r is anything else or has a text that
// JSON would escape.
func appendRecord(b []byte, r Record) (line []byte, ok bool) {
	f := fastLine{b: b, ok: r.kinds() == 1}
	if f.record(&r); !f.ok {
		return b, false
	}
	return f.b, true
}

// parseLine reads a line as appendRecord writes it. A line that is written in any
// other way is refused, also a valid one, and left to encoding/json.
func parseLine(line []byte) (r Record, ok bool) {
	f := fastLine{b: line, ok: true, reading: true}
	if f.record(&r); !f.ok || len(f.b) > 0 {
		return Record{}, false
	}
	return r, true
}

// fastLine writes or reads a line from left to right. Its methods get the name of a value
// with the punctuation around it; ok is lost at a text that JSON would escape, and at what
// is not as wanted.
type fastLine struct {
	b       []byte // what is written, or what is left to read
	ok      bool
	reading bool
}

func (f *fastLine) record(r *Record) {
	integer(f, `{"at":`, &r.At)
	switch {
	case begins(f, `,"packet":{"at":`, &r.Packet):
		f.packet(r.Packet)
	case begins(f, `,"pay":{"id":"`, &r.Pay):
		f.payment(r.Pay)
	case begins(f, `,"told":{"payment":"`, &r.Told):
		f.told(r.Told)
	case begins(f, `,"attempt":{"payment":"`, &r.Attempt):
		f.attempt(r.Attempt)
	case f.option(`,"committed":"`, r.Committed != ""):
		f.text("", &r.Committed)
		f.ok = f.ok && r.Committed != ""
	case begins(f, `,"posting":{"id":"`, &r.Posting):
		f.posting(r.Posting)
	default:
		f.ok = false
	}
	f.raw("}\n")
}

// begins reports whether the record has v, which it makes if it comes next. What follows
// begins behind head.
func begins[T any](f *fastLine, head string, v **T) bool {
	if !f.option(head, *v != nil) {
		return false
	}
	if f.reading {
		*v = new(T)
	}
	return true
}

// option writes s if it is set, or skips s if it comes next, and reports whether it did.
func (f *fastLine) option(s string, set bool) bool {
	switch {
	case !f.reading && set:
		f.b = append(f.b, s...)
	case f.reading && f.ok && len(f.b) >= len(s) && string(f.b[:len(s)]) == s:
		f.b = f.b[len(s):]
	default:
		return false
	}
	return true
}

func (f *fastLine) raw(s string) { f.ok = f.option(s, true) && f.ok }

func (f *fastLine) flag(name string, set *bool) { *set = f.option(name, *set) }

// integer is a name and a JSON integer: no sign but a minus, no leading zero,
// and at most 18 digits, which always fit.
func integer[T ~int | ~int64](f *fastLine, name string, v *T) {
	f.raw(name)
	if !f.reading {
		f.b = strconv.AppendInt(f.b, int64(*v), 10)
		return
	}
	negative := f.option("-", true)
	n, got := 0, int64(0)
	for n < len(f.b) && f.b[n] >= '0' && f.b[n] <= '9' && n <= 18 {
		got = got*10 + int64(f.b[n]-'0')
		n++
	}
	f.ok = f.ok && n > 0 && n <= 18 && (n == 1 || f.b[0] != '0') && got <= math.MaxInt
	f.b = f.b[n:]
	if negative {
		got = -got
	}
	*v = T(got)
}

func optional[T ~int | ~int64](f *fastLine, name string, v *T) {
	if f.option(name, *v != 0) {
		integer(f, "", v)
	}
}

// text is a name, which ends with a quotation mark, and a text without escapes up to the
// next one.
func (f *fastLine) text(name string, s *string) {
	if b := f.quoted(name, *s); f.reading {
		*s = string(b)
	}
}

func (f *fastLine) optionalText(name string, s *string) {
	if f.option(name, *s != "") {
		f.text("", s)
	}
}

// word is text for the word of an enumeration.
func word[T fmt.Stringer, P interface {
	*T
	encoding.TextUnmarshaler
}](f *fastLine, name string, v P) {
	if b := f.quoted(name, (*v).String()); f.reading {
		f.ok = f.ok && v.UnmarshalText(b) == nil
	}
}

// quoted writes s, or returns what it has read.
func (f *fastLine) quoted(name, s string) []byte {
	f.raw(name)
	if !f.reading {
		for i := range len(s) {
			f.ok = f.ok && plain(s[i])
		}
		f.raw(s + `"`)
		return nil
	}
	end := bytes.IndexByte(f.b, '"')
	if f.ok = f.ok && end >= 0; !f.ok {
		return nil
	}
	read := f.b[:end]
	for _, c := range read {
		f.ok = f.ok && c >= ' ' && c <= '~' && c != '\\'
	}
	f.b = f.b[end+1:]
	return read
}

// plain reports whether JSON writes a byte of a text as it is.
func plain(c byte) bool {
	switch c {
	case '"', '\\', '<', '>', '&':
		return false
	}
	return c >= ' ' && c <= '~'
}

func (f *fastLine) packet(p *harness.Packet) {
	integer(f, "", &p.At)
	integer(f, `,"client":`, &p.Client)
	integer(f, `,"flow":`, &p.Flow)
	optional(f, `,"n":`, &p.N)
	word(f, `,"dir":"`, &p.Direction)
	integer(f, `,"size":`, &p.Size)
	optional(f, `,"delay":`, &p.Delay)
	optional(f, `,"late":`, &p.Late)
	if f.option(`,"drop":"`, p.Drop != harness.DropNone) {
		word(f, "", &p.Drop)
	}
	f.flag(`,"rtx":true`, &p.Retransmit)
	f.flag(`,"copy":true`, &p.Copy)
	f.flag(`,"corrupt":true`, &p.Corrupt)
	f.flag(`,"cross":true`, &p.Cross)
	f.optionalText(`,"link":"`, &p.Link)
	f.raw("}")
}

func (f *fastLine) payment(p *harness.Payment) {
	f.text("", &p.ID)
	f.text(`,"order":"`, &p.Order)
	integer(f, `,"wallet":`, &p.Wallet)
	f.text(`,"payer":"`, &p.Payer)
	f.text(`,"payee":"`, &p.Payee)
	integer(f, `,"amount":`, &p.Amount)
	f.text(`,"currency":"`, &p.Currency)
	optional(f, `,"deadline":`, &p.Deadline)
	f.optionalText(`,"refuse":"`, &p.Refuse)
	f.raw("}")
}

func (f *fastLine) told(t *harness.Told) {
	f.text("", &t.Payment)
	word(f, `,"outcome":"`, &t.Outcome)
	f.optionalText(`,"reason":"`, &t.Reason)
	f.flag(`,"given_up":true`, &t.GivenUp)
	f.raw("}")
}

func (f *fastLine) attempt(a *harness.Attempt) {
	f.text("", &a.Payment)
	integer(f, `,"n":`, &a.N)
	f.flag(`,"status":true`, &a.Status)
	f.flag(`,"dialed":true`, &a.Dialed)
	f.flag(`,"no_connection":true`, &a.NoConnection)
	integer(f, `,"took":`, &a.Took)
	f.optionalText(`,"error":"`, &a.Error)
	f.optionalText(`,"answer":"`, &a.Answer)
	optional(f, `,"after":`, &a.After)
	f.raw("}")
}

func (f *fastLine) posting(p *harness.Posting) {
	f.text("", &p.ID)
	f.optionalText(`,"payment":"`, &p.Payment)
	f.optionalText(`,"order":"`, &p.Order)
	f.text(`,"payer":"`, &p.Payer)
	f.text(`,"payee":"`, &p.Payee)
	integer(f, `,"amount":`, &p.Amount)
	f.text(`,"currency":"`, &p.Currency)
	f.flag(`,"again":true`, &p.Again)
	f.raw("}")
}
