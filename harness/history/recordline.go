package history

import (
	"bytes"
	"strconv"
	"time"

	"github.com/onebar/onebar/harness"
)

// appendRecord appends the JSON line of r: what json.Marshal would write, without
// its cost. It does so for what a payment leaves behind, which is nearly all of a
// history beside its packets; ok is false, and b as it was, if r is anything else
// or has a text that JSON would escape.
func appendRecord(b []byte, r Record) (line []byte, ok bool) {
	w := lineWriter{b: b, ok: r.kinds() == 1}
	w.number(`{"at":`, int64(r.At))
	switch {
	case r.Pay != nil:
		w.payment(r.Pay)
	case r.Told != nil:
		w.text(`,"told":{"payment":"`, r.Told.Payment)
		w.text(`,"outcome":"`, r.Told.Outcome.String())
		w.optional(`,"reason":"`, r.Told.Reason)
		w.flag(`,"given_up":true`, r.Told.GivenUp)
		w.raw("}")
	case r.Attempt != nil:
		w.attempt(r.Attempt)
	case r.Committed != "":
		w.text(`,"committed":"`, r.Committed)
	case r.Posting != nil:
		w.posting(r.Posting)
	default:
		return b, false
	}
	w.raw("}\n")
	if !w.ok {
		return b, false
	}
	return w.b, true
}

// lineWriter appends a line from left to right; ok is lost at the first text that
// JSON would escape.
type lineWriter struct {
	b  []byte
	ok bool
}

func (w *lineWriter) raw(s string) { w.b = append(w.b, s...) }

func (w *lineWriter) number(name string, v int64) {
	w.raw(name)
	w.b = strconv.AppendInt(w.b, v, 10)
}

// text appends a name, which ends with a quotation mark, and a text.
func (w *lineWriter) text(name, s string) {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			w.ok = false
		}
	}
	w.raw(name)
	w.raw(s)
	w.raw(`"`)
}

func (w *lineWriter) optional(name, s string) {
	if s != "" {
		w.text(name, s)
	}
}

func (w *lineWriter) flag(name string, set bool) {
	if set {
		w.raw(name)
	}
}

func (w *lineWriter) payment(p *harness.Payment) {
	w.text(`,"pay":{"id":"`, p.ID)
	w.text(`,"order":"`, p.Order)
	w.number(`,"wallet":`, int64(p.Wallet))
	w.text(`,"payer":"`, p.Payer)
	w.text(`,"payee":"`, p.Payee)
	w.number(`,"amount":`, p.Amount)
	w.text(`,"currency":"`, p.Currency)
	if p.Deadline != 0 {
		w.number(`,"deadline":`, int64(p.Deadline))
	}
	w.optional(`,"refuse":"`, p.Refuse)
	w.raw("}")
}

func (w *lineWriter) attempt(a *harness.Attempt) {
	w.text(`,"attempt":{"payment":"`, a.Payment)
	w.number(`,"n":`, int64(a.N))
	w.flag(`,"status":true`, a.Status)
	w.flag(`,"dialed":true`, a.Dialed)
	w.flag(`,"no_connection":true`, a.NoConnection)
	w.number(`,"took":`, int64(a.Took))
	w.optional(`,"error":"`, a.Error)
	w.optional(`,"answer":"`, a.Answer)
	if a.After != 0 {
		w.number(`,"after":`, int64(a.After))
	}
	w.raw("}")
}

func (w *lineWriter) posting(p *harness.Posting) {
	w.text(`,"posting":{"id":"`, p.ID)
	w.optional(`,"payment":"`, p.Payment)
	w.optional(`,"order":"`, p.Order)
	w.text(`,"payer":"`, p.Payer)
	w.text(`,"payee":"`, p.Payee)
	w.number(`,"amount":`, p.Amount)
	w.text(`,"currency":"`, p.Currency)
	w.flag(`,"again":true`, p.Again)
	w.raw("}")
}

// parseLine reads a line as appendRecord writes it. A line that is written in any
// other way is refused, also a valid one, and left to encoding/json.
func parseLine(line []byte) (r Record, ok bool) {
	c := cursor{rest: line, ok: true}
	r.At = time.Duration(c.number(`{"at":`))
	switch {
	case c.has(`,"pay":{"id":"`):
		r.Pay = c.payment()
	case c.has(`,"told":{"payment":"`):
		t := &harness.Told{Payment: c.text("")}
		outcome := c.bytes(`,"outcome":"`)
		c.ok = c.ok && t.Outcome.UnmarshalText(outcome) == nil
		t.Reason = c.optionalText(`,"reason":"`)
		t.GivenUp = c.has(`,"given_up":true`)
		c.want("}")
		r.Told = t
	case c.has(`,"attempt":{"payment":"`):
		r.Attempt = c.attempt()
	case c.has(`,"committed":"`):
		r.Committed = c.text("")
		c.ok = c.ok && r.Committed != ""
	case c.has(`,"posting":{"id":"`):
		r.Posting = c.posting()
	default:
		return Record{}, false
	}
	if c.want("}\n"); !c.ok || len(c.rest) > 0 {
		return Record{}, false
	}
	return r, true
}

// bytes reads a name, which ends with a quotation mark, and a text without escapes
// up to the next one.
func (c *cursor) bytes(name string) []byte {
	c.want(name)
	end := bytes.IndexByte(c.rest, '"')
	if c.ok = c.ok && end >= 0; !c.ok {
		return nil
	}
	s := c.rest[:end]
	for _, b := range s {
		c.ok = c.ok && b >= ' ' && b <= '~' && b != '\\'
	}
	c.rest = c.rest[end+1:]
	return s
}

func (c *cursor) text(name string) string { return string(c.bytes(name)) }

func (c *cursor) optionalText(name string) string {
	if !c.has(name) {
		return ""
	}
	return c.text("")
}

// What follows begins behind the name of its first text.

func (c *cursor) payment() *harness.Payment {
	p := &harness.Payment{ID: c.text("")}
	p.Order = c.text(`,"order":"`)
	p.Wallet = int(c.number(`,"wallet":`))
	p.Payer = c.text(`,"payer":"`)
	p.Payee = c.text(`,"payee":"`)
	p.Amount = c.number(`,"amount":`)
	p.Currency = c.text(`,"currency":"`)
	p.Deadline = time.Duration(c.optional(`,"deadline":`))
	p.Refuse = c.optionalText(`,"refuse":"`)
	c.want("}")
	return p
}

func (c *cursor) attempt() *harness.Attempt {
	a := &harness.Attempt{Payment: c.text("")}
	a.N = int(c.number(`,"n":`))
	a.Status = c.has(`,"status":true`)
	a.Dialed = c.has(`,"dialed":true`)
	a.NoConnection = c.has(`,"no_connection":true`)
	a.Took = time.Duration(c.number(`,"took":`))
	a.Error = c.optionalText(`,"error":"`)
	a.Answer = c.optionalText(`,"answer":"`)
	a.After = time.Duration(c.optional(`,"after":`))
	c.want("}")
	return a
}

func (c *cursor) posting() *harness.Posting {
	p := &harness.Posting{ID: c.text("")}
	p.Payment = c.optionalText(`,"payment":"`)
	p.Order = c.optionalText(`,"order":"`)
	p.Payer = c.text(`,"payer":"`)
	p.Payee = c.text(`,"payee":"`)
	p.Amount = c.number(`,"amount":`)
	p.Currency = c.text(`,"currency":"`)
	p.Again = c.has(`,"again":true`)
	c.want("}")
	return p
}
