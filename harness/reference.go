package harness

import (
	"encoding/hex"
	"strings"
)

// Reference returns the name of a payment that no payment of another run has: run is 8
// hexadecimal digits. Clients over HTTP send it as payment.reference.
func Reference(run, payment string) string { return run + "-" + payment }

// ParseReference returns the run and the payment of a Reference, or false if a text is
// none.
func ParseReference(text string) (run, payment string, ok bool) {
	run, payment, _ = strings.Cut(text, "-")
	_, err := hex.DecodeString(run)
	number := strings.TrimLeft(payment, "pc") // payments of runs, and those of conform
	ok = err == nil && len(run) == 8 && len(payment)-len(number) == 1 && number != "" && strings.Trim(number, "0123456789.") == ""
	if !ok {
		return "", "", false
	}
	return run, payment, true
}
