package exchange

import (
	"time"

	"github.com/onebar/onebar/harness/sut"
)

// Preset is how a known API and its clients treat idempotency keys. A field is empty if
// the documents do not state it; then it is not judged.
type Preset struct {
	Name   string
	Title  string // the API or document that has these semantics
	Source string // where the semantics are documented
	Client sut.HTTPClient

	Mark     string // header, with its value after a colon and a space, of an answer that is a replay; empty is none
	Mismatch []int  // statuses for a known key with another body
	Busy     []int  // statuses for a key whose first request is under way
	Errors   bool   // the answer to a request that failed is replayed, too
}

// Presets returns the names of the presets.
func Presets() []string {
	var all []string
	for _, p := range presets() {
		all = append(all, p.Name)
	}
	return all
}

// PresetOf returns the preset of a name.
func PresetOf(name string) (Preset, bool) {
	for _, p := range presets() {
		if p.Name == name {
			return p, true
		}
	}
	return Preset{}, false
}

// Their rules come after those of the file. They say what statuses other than success
// mean. The file must say when a payment is confirmed, because many APIs answer 200 with
// an error in the body; only stripe has rules for that, by the status of its objects.
func presets() []Preset {
	return []Preset{
		{
			Name: "ietf", Title: "the Idempotency-Key header of the IETF", Source: "draft-ietf-httpapi-idempotency-key-header-07, section 2",
			Client:   semantics("Idempotency-Key", true, busy("status == 409")),
			Mismatch: []int{422}, Busy: []int{409}, Errors: true,
		},
		{
			Name: "stripe", Title: "Stripe's API v1", Source: "docs.stripe.com/api/idempotent_requests; waits of stripe-go",
			Client: stripe(),
			Mark:   "Idempotent-Replayed: true", Mismatch: []int{400}, Busy: []int{409}, Errors: true,
		},
		{
			Name: "checkout", Title: "Checkout.com", Source: "checkout.com/docs/payments/manage-payments/retry-a-payment",
			Client: semantics("Cko-Idempotency-Key", false), Busy: []int{429},
		},
		{
			Name: "ppro", Title: "PPRO", Source: "developerhub.ppro.com/global-api/reference/api-idempotency",
			Client: semantics("Request-Idempotency-Key", false, busy("status == 409")),
			Mark:   "Request-Idempotency: true", Mismatch: []int{409}, Busy: []int{409},
		},
		{
			Name: "whop", Title: "Whop", Source: "docs.whop.com/developer/api/idempotency",
			Client: semantics("Idempotency-Key", false, busy("status == 409")),
			Mark:   "Idempotent-Replayed: true", Mismatch: []int{400}, Busy: []int{409}, Errors: true,
		},
		{
			Name: "solidgate", Title: "Solidgate", Source: "api-docs.solidgate.com/api/v2/idempotent-requests",
			Client: semantics("Idempotency-Key", false), Mismatch: []int{422},
		},
	}
}

func busy(when string) sut.HTTPRule { return sut.HTTPRule{When: when, Outcome: "retry"} }

// semantics returns those of an API with keys in a header: first the rules of its
// documents, then the meaning of statuses in RFC 9110.
func semantics(header string, quoted bool, more ...sut.HTTPRule) sut.HTTPClient {
	return sut.HTTPClient{
		Key: KeyPayment, KeyHeader: header, KeyQuoted: quoted,
		Outcomes: append(more,
			sut.HTTPRule{When: "status == 429 or status >= 500", Outcome: "retry"},
			sut.HTTPRule{When: "status == 408 or status == 425", Outcome: "retry"},
			sut.HTTPRule{When: "status in 400..499", Outcome: "declined"},
		),
	}
}

// stripe returns the semantics of Stripe's API v1: the status of a charge or payment
// intent is its outcome. stripe-go makes two retries, 0.5 s·(1+n²) apart, at most 5 s,
// reduced at random by up to a quarter.
func stripe() sut.HTTPClient {
	jitter := 0.25
	return sut.HTTPClient{
		Key: KeyPayment, KeyHeader: "Idempotency-Key",
		Timeout: 30 * time.Second, GiveUp: 2 * time.Minute,
		Retry: sut.HTTPRetry{Attempts: 3, Wait: 500 * time.Millisecond, Factor: 2, Cap: 5 * time.Second, Jitter: &jitter},
		Outcomes: []sut.HTTPRule{
			{When: `headers["stripe-should-retry"] == "true"`, Outcome: "retry"},
			{When: `headers["stripe-should-retry"] == "false" and status >= 500`, Outcome: "unknown"},
			{When: "status in [409, 429] or status >= 500", Outcome: "retry"},
			{When: `status == 200 and body.status == "succeeded"`, Outcome: "confirmed"},
			{When: `status == 200 and body.status in ["pending", "processing", "requires_action", "requires_confirmation"]`, Outcome: "pending"},
			{When: `status == 200 and body.status in ["failed", "canceled", "requires_payment_method"]`, Outcome: "declined"},
			{When: `status == 400 and body.error.type == "idempotency_error"`, Outcome: "unknown"},
			{When: "status in 400..499", Outcome: "declined"},
		},
	}
}
