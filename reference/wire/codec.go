package wire

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/wire/internal/pb"
)

// MaxMessage bounds an encoded Answer, in bytes. No valid Request is longer.
const MaxMessage = 512

// maxValid is pay.MaxValidity in milliseconds.
const maxValid = int64(pay.MaxValidity / time.Millisecond)

// AppendRequest appends the encoding of a valid r.
func AppendRequest(b []byte, r *pay.Request) ([]byte, error) {
	if err := r.Validate(); err != nil {
		return b, fmt.Errorf("encode request: %w", err)
	}
	p := &r.Payment
	m := &pb.Payment{
		Key: p.Key[:], Order: p.Order, Payee: p.Payee,
		Amount: p.Amount, Currency: p.Currency, Created: p.Created,
	}
	if p.Deadline != 0 {
		m.Valid = p.Deadline - p.Created
	}
	req := pb.Request{Signature: r.Signature}
	if r.Ask == pay.AskStatus {
		req.What = &pb.Request_Status{Status: m}
	} else {
		req.What = &pb.Request_Pay{Pay: m}
	}
	return marshal(b, &req)
}

// ParseRequest is the reverse of AppendRequest. It refuses unknown fields: a
// bank must not carry out a part of a request.
func ParseRequest(b []byte) (*pay.Request, error) {
	if len(b) > MaxMessage {
		return nil, fmt.Errorf("decode request: %d bytes are more than any request has", len(b))
	}
	var req pb.Request
	if err := proto.Unmarshal(b, &req); err != nil {
		return nil, fmt.Errorf("decode request: %w", err)
	}
	r := &pay.Request{}
	if len(req.Signature) > 0 {
		r.Signature = req.Signature
	}
	var m *pb.Payment
	switch w := req.What.(type) {
	case *pb.Request_Pay:
		r.Ask, m = pay.AskPay, w.Pay
	case *pb.Request_Status:
		r.Ask, m = pay.AskStatus, w.Status
	default:
		return nil, errors.New("decode request: it asks for nothing known")
	}
	if len(req.ProtoReflect().GetUnknown()) > 0 || len(m.ProtoReflect().GetUnknown()) > 0 {
		return nil, errors.New("decode request: it has a field this version does not know")
	}
	if len(m.Key) != pay.KeySize {
		return nil, fmt.Errorf("decode request: an idempotency key of %d bytes, not %d", len(m.Key), pay.KeySize)
	}
	if m.Valid < 0 || m.Valid > maxValid {
		return nil, fmt.Errorf("decode request: valid for %d ms, which is not between 0 and %d", m.Valid, maxValid)
	}
	r.Payment = pay.Payment{
		Key: pay.Key(m.Key), Order: m.Order, Payee: m.Payee,
		Amount: m.Amount, Currency: m.Currency, Created: m.Created,
	}
	if err := r.Payment.Validate(); err != nil { // before Created is added to
		return nil, fmt.Errorf("decode request: %w", err)
	}
	if m.Valid != 0 {
		r.Payment.Deadline = m.Created + m.Valid
	}
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("decode request: %w", err)
	}
	return r, nil
}

// AppendAnswer appends the encoding of a valid a, without its Key, as the answer
// to the request with this number. It returns an error if a is not valid.
func AppendAnswer(b []byte, request uint64, a *pay.Answer) ([]byte, error) {
	if err := a.Validate(); err != nil {
		return b, fmt.Errorf("encode answer: %w", err)
	}
	return marshal(b, &pb.Answer{
		Request: request, Result: pb.Result(a.Result), Reason: pb.Reason(a.Reason),
		Transfer: a.Transfer, At: a.At, Receipt: a.Receipt,
	})
}

// ParseAnswer is the reverse of AppendAnswer; the answer has no Key. Unknown fields
// are ignored: a newer bank may send more.
func ParseAnswer(b []byte) (request uint64, a *pay.Answer, err error) {
	if len(b) > MaxMessage {
		return 0, nil, fmt.Errorf("decode answer: %d bytes are more than any answer has", len(b))
	}
	var m pb.Answer
	if err := proto.Unmarshal(b, &m); err != nil {
		return 0, nil, fmt.Errorf("decode answer: %w", err)
	}
	if m.Result < 0 || m.Result > 255 || m.Reason < 0 || m.Reason > 255 {
		return 0, nil, fmt.Errorf("decode answer: result %d or reason %d is not known", m.Result, m.Reason)
	}
	a = &pay.Answer{
		Result: pay.Result(m.Result), Reason: pay.Reason(m.Reason),
		Transfer: m.Transfer, At: m.At, Receipt: m.Receipt,
	}
	if err := a.Validate(); err != nil {
		return 0, nil, fmt.Errorf("decode answer: %w", err)
	}
	return m.Request, a, nil
}

func marshal(b []byte, m proto.Message) ([]byte, error) {
	out, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(b, m)
	if err != nil {
		return b, fmt.Errorf("encode: %w", err)
	}
	return out, nil
}
