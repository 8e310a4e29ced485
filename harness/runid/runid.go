// Package runid makes references and idempotency keys that tell which run has made them. So
// a booking in a ledger that several runs share can be told from those of other runs.
package runid

import (
	"encoding/hex"
	"strings"
)

// keyMark is the second group of a Key: "ob" in ASCII.
const keyMark = "6f62"

// Reference returns the name of a payment or order that none of another run has. The id
// of the run is 8 hexadecimal digits.
func Reference(run, id string) string { return run + "-" + id }

// Key returns an idempotency key that none of another run has: a UUID of version 8
// (RFC 9562), whose first group is the id of the run. Of digest the first 10 bytes count.
func Key(run string, digest []byte) string {
	b := append([]byte(nil), digest[:10]...)
	b[0] = b[0]&0x0f | 0x80 // the version
	b[2] = b[2]&0x3f | 0x80 // the variant
	h := hex.EncodeToString(b)
	return strings.Join([]string{run, keyMark, h[:4], h[4:8], h[8:]}, "-")
}

// Of returns the id of the run that has made a Reference or a Key, or false if a text is
// neither.
func Of(text string) (run string, ok bool) {
	run, rest, _ := strings.Cut(text, "-")
	if _, err := hex.DecodeString(run); err != nil || len(run) != 8 {
		return "", false
	}
	key := len(text) == 36 && strings.HasPrefix(rest, keyMark+"-8")
	number := strings.TrimLeft(rest, "poc") // payments and orders of runs, and payments of conform
	named := len(rest)-len(number) == 1 && number != "" && strings.Trim(number, "0123456789.") == ""
	if !key && !named {
		return "", false
	}
	return run, true
}
