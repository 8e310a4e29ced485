package outbox

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// sum collects the columns of a row for its checksum.
type sum []byte

func (s *sum) ints(vs ...int64) {
	for _, v := range vs {
		*s = binary.BigEndian.AppendUint64(*s, uint64(v))
	}
}

func (s *sum) texts(vs ...string) {
	for _, v := range vs {
		s.ints(int64(len(v)))
		*s = append(*s, v...)
	}
}

// value is the first eight bytes of the SHA-256.
func (s *sum) value() int64 {
	b := sha256.Sum256(*s)
	return int64(binary.BigEndian.Uint64(b[:]))
}

func (p *Payment) checksum() int64 {
	r := p.row()
	s := make(sum, 0, 512)
	s.ints(p.id, p.Amount, p.Created, p.Deadline, r.transfer, r.decided)
	s.texts(string(p.Key[:]), p.Order, p.Payee, p.Currency, p.State.String(), p.Reason, r.result, r.refusal, string(r.receipt))
	return s.value()
}

// checksum returns the checksum of the row of an attempt of the payment with this row
// number.
func (a *Attempt) checksum(payment int64) int64 {
	s := make(sum, 0, 256)
	s.ints(payment, int64(a.N), a.Began.UnixNano(), int64(a.Took), flag(a.Asked), flag(a.Dialed), flag(a.Connected))
	s.texts(a.Error)
	return s.value()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// damaged returns the error of a row that differs from what was stored.
func damaged(table string, row int64, why string) error {
	return fmt.Errorf("%w: row %d of table %s %s", ErrDamaged, row, table, why)
}
