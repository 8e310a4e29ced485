package cli

import (
	"encoding/hex"

	"github.com/onebar/onebar/reference/bank"
	"github.com/onebar/onebar/reference/outbox"
)

// The JSON Lines of --json. Amounts are minor units, instants Unix
// milliseconds, keys and receipts hexadecimal.
type (
	paymentLine struct {
		Key      string        `json:"key"`
		Order    string        `json:"order"`
		Payee    string        `json:"payee"`
		Amount   int64         `json:"amount"`
		Currency string        `json:"currency"`
		Created  int64         `json:"created"`
		Deadline int64         `json:"deadline,omitempty"`
		State    string        `json:"state"`
		Reason   string        `json:"reason,omitempty"`
		Transfer int64         `json:"transfer,omitempty"`
		Receipt  string        `json:"receipt,omitempty"`
		Attempts []attemptLine `json:"attempts"`
	}
	attemptLine struct {
		N      int    `json:"n"`
		Began  int64  `json:"began"`
		Took   int64  `json:"took"`             // milliseconds
		Asked  bool   `json:"asked,omitempty"`  // for the status, not to pay
		Dialed bool   `json:"dialed,omitempty"` // on a new connection, or none could be had
		Error  string `json:"error,omitempty"`
	}
	transferLine struct {
		Transfer int64  `json:"transfer"`
		Key      string `json:"key"`
		Order    string `json:"order"`
		Payer    string `json:"payer"`
		Payee    string `json:"payee"`
		Amount   int64  `json:"amount"`
		Currency string `json:"currency"`
		Booked   int64  `json:"booked"`
	}
	balanceLine struct {
		Account  string `json:"account"`
		Currency string `json:"currency"`
		Opening  int64  `json:"opening"`
		Balance  int64  `json:"balance"`
	}
)

func paymentOf(h outbox.PaymentHistory) paymentLine {
	l := paymentLine{
		Key: h.Key.String(), Order: h.Order, Payee: h.Payee, Amount: h.Amount, Currency: h.Currency,
		Created: h.Created, Deadline: h.Deadline, State: h.State.String(), Reason: h.Reason,
		Attempts: []attemptLine{},
	}
	if h.Answer != nil {
		l.Transfer, l.Receipt = h.Answer.Transfer, hex.EncodeToString(h.Answer.Receipt)
	}
	for _, a := range h.Attempts {
		l.Attempts = append(l.Attempts, attemptLine{
			N: a.N, Began: a.Began.UnixMilli(), Took: a.Took.Milliseconds(), Asked: a.Asked, Dialed: a.Dialed, Error: a.Error,
		})
	}
	return l
}

func transferOf(t bank.Transfer) transferLine {
	return transferLine{
		Transfer: t.ID, Key: t.Key.String(), Order: t.Order, Payer: t.Payer, Payee: t.Payee,
		Amount: t.Amount, Currency: t.Currency, Booked: t.Booked,
	}
}

func balanceOf(b bank.Balance) balanceLine {
	return balanceLine{Account: b.Account, Currency: b.Currency, Opening: b.Opening, Balance: b.Closing}
}
