package reference

import (
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/reference/outbox"
	"github.com/onebar/onebar/reference/pay"
)

// correlator maps each payment of a wallet to its presses: first the press that made it,
// then the later presses that got the same payment. It survives crashes, as users do. All
// presses of a payment are told the same outcomes in the same order. One lock orders
// everything that is told, so a late press misses no outcome, and no press is told an
// older outcome after a newer one.
type correlator struct {
	observer harness.Observer

	mu       sync.Mutex
	pressing map[purchase]string // the press being made
	records  map[pay.Key]*keyRecord
}

// purchase is an order of a wallet.
type purchase struct {
	wallet int
	order  string
}

// keyRecord is what the correlator knows about one key.
type keyRecord struct {
	presses []string // payment ids of the harness
	booked  bool     // reported to the harness as booked
	told    bool
	last    harness.Told // without the payment
}

// begin records that a user presses pay. end records the key of the payment that the
// wallet accepted for the press, or that it accepted none. A wallet makes one press at a
// time.
func (d *correlator) begin(p purchase, press string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pressing[p] = press
}

func (d *correlator) end(p purchase, press string, key pay.Key, taken bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.pressing, p)
	if !taken {
		return
	}
	s := d.records[key]
	if s.presses[0] == press {
		return
	}
	s.presses = append(s.presses, press)
	if s.told {
		t := s.last
		t.Payment = press
		d.observer.Told(t)
	}
}

// file creates the record of a key that a press has made.
func (d *correlator) file(key pay.Key, press string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.records[key] = &keyRecord{presses: []string{press}}
}

// tell reports an outcome of a key to each of its presses. The first call for a key comes
// during the press that made it.
func (d *correlator) tell(wallet int, p outbox.Payment) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.records[p.Key]
	if s == nil {
		s = &keyRecord{presses: []string{d.pressing[purchase{wallet, p.Order}]}}
		d.records[p.Key] = s
	}
	outcome, news := outcomeOf(p.State)
	if !news {
		return
	}
	s.told, s.last = true, harness.Told{Outcome: outcome, Reason: p.Reason}
	for _, press := range s.presses {
		t := s.last
		t.Payment = press
		d.observer.Told(t)
	}
}

// show reports the state of a payment to a user who opens the app again after a power
// failure of the phone: the last stored state may not have been reported.
func (d *correlator) show(i int, p outbox.Payment) {
	d.mu.Lock()
	s := d.records[p.Key]
	outcome, news := outcomeOf(p.State)
	stale := s != nil && news && s.last.Outcome != outcome
	d.mu.Unlock()
	if stale {
		d.tell(i, p)
	}
}

// outcomeOf translates a state. Sent is not reported: the payment is still on its way.
func outcomeOf(s outbox.State) (o harness.Outcome, news bool) {
	switch s {
	case outbox.Queued:
		return harness.Queued, true
	case outbox.Confirmed:
		return harness.Confirmed, true
	case outbox.Declined:
		return harness.Declined, true
	case outbox.Expired:
		return harness.Expired, true
	case outbox.Unknown:
		return harness.OutcomeUnknown, true
	case outbox.Sent:
	}
	return harness.OutcomeUnknown, false
}

// press returns the press that made a key, or the key itself.
func (d *correlator) press(key pay.Key) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.records[key]; s != nil {
		return s.presses[0]
	}
	return key.String()
}

// presses returns the presses of a key.
func (d *correlator) presses(key pay.Key) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.records[key]; s != nil {
		return append([]string(nil), s.presses...)
	}
	return nil
}

// committed is called by the bank when bookings are durable. It reports the new ones.
func (d *correlator) committed(keys []pay.Key) {
	for _, k := range keys {
		d.mu.Lock()
		s := d.records[k]
		known := s != nil && s.booked
		if s != nil {
			s.booked = true
		}
		d.mu.Unlock()
		if !known {
			d.observer.Committed(d.press(k))
		}
	}
}

// settle ends a press during which the phone lost its power. taken is the payment that
// the wallet accepted for it, or nil.
func (d *correlator) settle(p purchase, press string, taken *outbox.Payment) {
	if taken == nil {
		d.end(p, press, pay.Key{}, false)
		d.observer.Told(harness.Told{
			Payment: press, Outcome: harness.Failed, Reason: "the phone lost its power before it took the payment",
		})
		return
	}
	d.begin(p, press)
	if d.presses(taken.Key) == nil {
		d.tell(p.wallet, *taken)
	}
	d.end(p, press, taken.Key, true)
}

// attempted is called by a wallet when it has stored the result of an attempt. Readers of
// the record compute from that time when the attempt began.
func (d *correlator) attempted(p outbox.Payment, a outbox.Attempt) {
	d.observer.Attempt(harness.Attempt{
		Payment: d.press(p.Key), N: a.N, Status: a.Asked, Dialed: a.Dialed, NoConnection: !a.Connected,
		Took: time.Since(a.Start), Error: a.Error,
	})
}
