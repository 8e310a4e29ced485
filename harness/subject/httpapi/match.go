package httpapi

import (
	"fmt"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/subject"
)

// matcher finds out which payment a booking is of.
type matcher struct {
	env    *subject.Env
	config harness.HTTPLedger
	orders map[string][]harness.Payment // presses by order
	byID   map[string]harness.Payment
}

// match sets Payment, Order and the accounts of bookings that were just read: by
// what the server has stored with them, or else by their amount. A side of a
// booking that the server does not name is what was asked for.
func (m *matcher) match(all []harness.Posting) error {
	m.orders, m.byID = map[string][]harness.Payment{}, map[string]harness.Payment{}
	byAmount := map[string]map[string]bool{} // orders by amount
	for _, p := range m.env.Asked.All() {
		m.orders[p.Order], m.byID[p.ID] = append(m.orders[p.Order], p), p
		key := harness.FormatMoney(p.Amount, p.Currency)
		if byAmount[key] == nil {
			byAmount[key] = map[string]bool{}
		}
		byAmount[key][p.Order] = true
	}
	named := m.config.Fields.Payment != "" || m.config.Fields.Order != ""
	for i := range all {
		b := &all[i]
		m.rename(b)
		if named {
			m.byName(b)
		} else if err := m.byAmount(b, byAmount[harness.FormatMoney(b.Amount, b.Currency)]); err != nil {
			return err
		}
		m.complete(b)
	}
	return nil
}

// rename gives the accounts of a booking the names of the scenario.
func (m *matcher) rename(b *harness.Posting) {
	if b.Payer != "" {
		b.Payer = m.env.Accounts.Ours(b.Payer)
	}
	if b.Payee != "" {
		b.Payee = m.env.Accounts.Ours(b.Payee)
	}
}

func (m *matcher) byName(b *harness.Posting) {
	if id, ok := m.env.Asked.Payment(b.Payment); ok {
		b.Payment = id
	}
}

// byAmount takes a booking for that of the only order with its amount.
func (m *matcher) byAmount(b *harness.Posting, orders map[string]bool) error {
	if len(orders) > 1 {
		return fmt.Errorf("booking %s could be of any of %d orders of %s: give fields.payment or fields.order, or let amounts differ (amount: 1..1000 EUR)",
			b.ID, len(orders), harness.FormatMoney(b.Amount, b.Currency))
	}
	for o := range orders {
		b.Order = o
		if presses := m.orders[o]; len(presses) == 1 {
			b.Payment = presses[0].ID
		}
	}
	return nil
}

// complete fills in the sides that the server does not name: those of the payment,
// or of any press of the order.
func (m *matcher) complete(b *harness.Posting) {
	asked, known := m.byID[b.Payment]
	if presses := m.orders[b.Order]; !known && b.Payment == "" && len(presses) > 0 {
		asked, known = presses[0], true
	}
	if !known {
		return
	}
	if m.config.Fields.Payer == "" {
		b.Payer = asked.Payer
	}
	if m.config.Fields.Payee == "" {
		b.Payee = asked.Payee
	}
}

// Notes says how bookings were matched, for people.
func (l *Ledger) Notes() []string {
	f := l.config.Fields
	how := "bookings were matched to payments by their amounts: the server stores no name of them"
	if f.Payment != "" || f.Order != "" {
		how = "bookings were matched to payments by " + strings.Join(strings.Fields(f.Payment+" "+f.Order), " and ")
	}
	var missing []string
	for name, text := range map[string]string{"payer": f.Payer, "payee": f.Payee} {
		if text == "" {
			missing = append(missing, name)
		}
	}
	notes := []string{how}
	if len(missing) == 2 {
		notes = append(notes, "the ledger names neither payer nor payee: that they are as asked was not judged")
	} else if len(missing) == 1 {
		notes = append(notes, "the ledger names no "+missing[0]+": that it is as asked was not judged")
	}
	return notes
}
