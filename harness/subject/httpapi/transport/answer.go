package transport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/exchange"
)

// Answer returns what decides the meaning of an answer, as harness.Attempt.Answer: the
// status, and of its body the fields that say how the payment stands, or the begin of a
// body that has none. Secrets are hidden: the values of environment variables, and those
// of fields whose name says that they are secret.
func (s *Secrets) Answer(a exchange.Answer) string {
	text := fmt.Sprintf("HTTP %d %s", a.Status, decisive(a.Body[:min(len(a.Body), most)]))
	return harness.AnswerOf(unnamed(s.Hide(text)))
}

// most is how much of a body is looked at, in bytes.
const most = 64 << 10

// deciding returns the names of fields that say how a payment stands, in the order in
// which they are shown. They are those of the APIs of Stripe, Adyen, PayPal, Square, M-Pesa
// and Open Banking, and of RFC 9457 (problem details).
func deciding() []string {
	return []string{
		"status", "state", "result", "outcome", "resultCode", "ResultCode", "ResponseCode", "success", "ok",
		"error", "errors", "code", "errorCode", "error_code", "decline_code", "refusalReason", "reason", "type",
		"title", "message", "error_message", "errorMessage", "ResultDesc", "ResponseDescription", "detail", "name",
	}
}

// decisive returns the deciding fields of a body in JSON, also those of an object in it, as
// compact JSON; of another body all.
func decisive(body []byte) string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return string(body)
	}
	var parts []string
	for _, name := range deciding() {
		value, ok := fields[name]
		if !ok || string(value) == "null" {
			continue
		}
		if inner := decisive(value); value[0] == '{' && inner != "" {
			value = json.RawMessage(inner)
		}
		parts = append(parts, fmt.Sprintf("%q:%s", name, compact(value)))
	}
	if len(parts) > 0 {
		return "{" + strings.Join(parts, ",") + "}"
	}
	return compact(body)
}

func compact(value []byte) string {
	var b bytes.Buffer
	if json.Compact(&b, value) != nil {
		return string(value)
	}
	return b.String()
}

// unnamed hides the values of fields whose name says that they are secret, in JSON, in a
// form and in a header, and card numbers.
func unnamed(text string) string {
	for _, p := range sensitive() {
		text = p.ReplaceAllString(text, "$1***")
	}
	return text
}

func sensitive() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`(?i)((?:secret|token|password|passwd|authorization|credential|api_?key|private_?key|cvc|cvv|pin|iban|pan|card_?number)\w*"?\s*[:=]\s*"?)(?:bearer |basic )?[^"&,;\s}]+`),
		regexp.MustCompile(`(?i)(\b(?:bearer|basic) )[\w.~+/=-]{8,}`),
		regexp.MustCompile(`()\b\d(?:[ -]?\d){12,18}\b`), // a card number has 13 to 19 digits, ISO/IEC 7812-1
	}
}
