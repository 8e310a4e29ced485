package program

import (
	"errors"
	"fmt"
	"time"

	"github.com/onebar/onebar/harness"
)

// protocolVersion is the version of the protocol of docs/exec-client.md.
const protocolVersion = 1

// command is a line that a client reads.
type command struct {
	Onebar  int    `json:"onebar"`  // protocolVersion
	Command string `json:"command"` // start, pay, held or quit

	// Of start.
	Wallets   []walletLine `json:"wallets,omitempty"`
	Merchants []string     `json:"merchants,omitempty"` // accounts
	Balance   int64        `json:"balance,omitempty"`   // of each wallet, in minor units
	Server    string       `json:"server,omitempty"`    // host:port over no link, to create accounts
	Seed      uint64       `json:"seed,omitempty"`
	Restarted bool         `json:"restarted,omitempty"` // after a crash

	// Of pay.
	ID         string `json:"id,omitempty"`
	Order      string `json:"order,omitempty"`
	Wallet     *int   `json:"wallet,omitempty"`
	Payer      string `json:"payer,omitempty"`
	Payee      string `json:"payee,omitempty"`
	Amount     int64  `json:"amount,omitempty"`
	DeadlineMS int64  `json:"deadline_ms,omitempty"` // from now; 0 is none
	Address    string `json:"address,omitempty"`     // over the link of the wallet

	Currency string `json:"currency,omitempty"` // of start and pay
}

// walletLine is a wallet in a start command.
type walletLine struct {
	Wallet  int    `json:"wallet"`
	Account string `json:"account"`
	Address string `json:"address"` // over its link
}

// event is a line that a client prints.
type event struct {
	Onebar  int      `json:"onebar"` // of ready: protocolVersion
	Event   string   `json:"event"`  // ready, told, attempt, account, called or held
	Payment string   `json:"payment"`
	Outcome *string  `json:"outcome"`
	Reason  string   `json:"reason"`
	GivenUp bool     `json:"given_up"` // see harness.Told.GivenUp
	N       int      `json:"n"`
	TookMS  *float64 `json:"took_ms"`
	Error   string   `json:"error"`
	Answer  string   `json:"answer"` // see harness.Attempt.Answer
	Status  bool     `json:"status"`
	Dialed  bool     `json:"dialed"`
	// NoConnection: see harness.Attempt.NoConnection.
	NoConnection bool     `json:"no_connection"`
	RetryAfterMS float64  `json:"retry_after_ms"` // see harness.Attempt.After
	Key          string   `json:"key"`
	Account      string   `json:"account"`
	Remote       string   `json:"remote"`
	Payments     []string `json:"payments"`
}

// parseEvent reads a line of a client.
func parseEvent(line []byte) (event, error) {
	var e event
	if err := strictly(line, &e); err != nil {
		return event{}, err
	}
	var err error
	need := func(key string, given bool) {
		if !given {
			err = errors.Join(err, fmt.Errorf("the event %s has no %s", e.Event, key))
		}
	}
	switch e.Event {
	case "ready":
		if e.Onebar != protocolVersion {
			err = fmt.Errorf("it speaks version %d of the protocol, and this onebar speaks version %d", e.Onebar, protocolVersion)
		}
	case "told":
		need("payment", e.Payment != "")
		need("outcome", e.Outcome != nil)
	case "attempt":
		need("payment", e.Payment != "")
		need("took_ms", e.TookMS != nil)
		if e.NoConnection && e.Error == "" {
			err = errors.Join(err, errors.New("the event attempt has no_connection and no error: an answer needs a connection"))
		}
	case "account":
		need("account", e.Account != "")
		need("remote", e.Remote != "")
	case "called":
		need("payment", e.Payment != "")
		need("key", e.Key != "")
	case "held":
		need("payments", e.Payments != nil)
	default:
		err = fmt.Errorf("the event %q is not known; expected one of ready, told, attempt, account, called, held", e.Event)
	}
	if err == nil && e.Outcome != nil {
		err = new(harness.Outcome).UnmarshalText([]byte(*e.Outcome))
	}
	if err == nil && e.TookMS != nil && (*e.TookMS < 0 || *e.TookMS > 1e9) {
		err = fmt.Errorf("took_ms %v is out of range", *e.TookMS)
	}
	if err == nil && (e.RetryAfterMS < 0 || e.RetryAfterMS > 1e9) {
		err = fmt.Errorf("retry_after_ms %v is out of range", e.RetryAfterMS)
	}
	if err != nil {
		return event{}, err
	}
	return e, nil
}

// told converts a told event.
func (e event) told() harness.Told {
	t := harness.Told{Payment: e.Payment, Reason: e.Reason, GivenUp: e.GivenUp}
	_ = t.Outcome.UnmarshalText([]byte(*e.Outcome)) // parseEvent has checked it
	return t
}

// attempt converts an attempt event.
func (e event) attempt(n int) harness.Attempt {
	return harness.Attempt{
		Payment: e.Payment, N: n, Status: e.Status, Dialed: e.Dialed, NoConnection: e.NoConnection, Error: e.Error,
		Took:   time.Duration(*e.TookMS * float64(time.Millisecond)),
		Answer: harness.AnswerOf(e.Answer), After: time.Duration(e.RetryAfterMS * float64(time.Millisecond)),
	}
}
