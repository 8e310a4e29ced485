package wire

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/onebar/onebar/reference/wire/internal/pb"
)

// appendRequest appends the encoding of a valid r.
func appendRequest(b []byte, r *Request) ([]byte, error) {
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
	var req pb.Request
	if r.Ask == AskStatus {
		req.What = &pb.Request_Status{Status: m}
	} else {
		req.What = &pb.Request_Pay{Pay: m}
	}
	return marshal(b, &req)
}

// parseRequest is the reverse of appendRequest. It refuses fields it does not
// know: a bank must not act on half of what it was asked.
func parseRequest(b []byte) (*Request, error) {
	if len(b) > maxMessage {
		return nil, fmt.Errorf("decode request: %d bytes are more than any request has", len(b))
	}
	var req pb.Request
	if err := proto.Unmarshal(b, &req); err != nil {
		return nil, fmt.Errorf("decode request: %w", err)
	}
	r := &Request{}
	var m *pb.Payment
	switch w := req.What.(type) {
	case *pb.Request_Pay:
		r.Ask, m = AskPay, w.Pay
	case *pb.Request_Status:
		r.Ask, m = AskStatus, w.Status
	default:
		return nil, errors.New("decode request: it asks for nothing known")
	}
	if len(req.ProtoReflect().GetUnknown()) > 0 || len(m.ProtoReflect().GetUnknown()) > 0 {
		return nil, errors.New("decode request: it has a field this version does not know")
	}
	if len(m.Key) != keySize {
		return nil, fmt.Errorf("decode request: an idempotency key of %d bytes, not %d", len(m.Key), keySize)
	}
	if m.Valid < 0 || m.Valid > maxValidMS {
		return nil, fmt.Errorf("decode request: valid for %d ms, which is not between 0 and %d", m.Valid, maxValidMS)
	}
	r.Payment = Payment{
		Key: Key(m.Key), Order: m.Order, Payee: m.Payee,
		Amount: m.Amount, Currency: m.Currency, Created: m.Created,
	}
	if err := r.Payment.Validate(); err != nil { // before Created is added to
		return nil, fmt.Errorf("decode request: %w", err)
	}
	if m.Valid != 0 {
		r.Payment.Deadline = m.Created + m.Valid
	}
	return r, nil
}

// AppendAnswer appends the encoding of a valid a, without its Key: what a bank
// keeps to repeat the answer. It returns an error if a is not valid.
func AppendAnswer(b []byte, a *Answer) ([]byte, error) { return appendAnswer(b, 0, a) }

// ParseAnswer is the reverse of AppendAnswer: the answer to the payment with
// this key.
func ParseAnswer(key Key, b []byte) (*Answer, error) {
	_, a, err := parseAnswer(b)
	if err != nil {
		return nil, err
	}
	a.Key = key
	return a, nil
}

func appendAnswer(b []byte, request uint64, a *Answer) ([]byte, error) {
	if err := a.Validate(); err != nil {
		return b, fmt.Errorf("encode answer: %w", err)
	}
	return marshal(b, &pb.Answer{
		Request: request, Result: pb.Result(a.Result), Reason: pb.Reason(a.Reason),
		Transfer: a.Transfer, At: a.At, Receipt: a.Receipt,
	})
}

// parseAnswer is the reverse of appendAnswer. Fields it does not know are
// ignored: a newer bank may say more.
func parseAnswer(b []byte) (request uint64, a *Answer, err error) {
	if len(b) > maxMessage {
		return 0, nil, fmt.Errorf("decode answer: %d bytes are more than any answer has", len(b))
	}
	var m pb.Answer
	if err := proto.Unmarshal(b, &m); err != nil {
		return 0, nil, fmt.Errorf("decode answer: %w", err)
	}
	if m.Result < 0 || m.Result > 255 || m.Reason < 0 || m.Reason > 255 {
		return 0, nil, fmt.Errorf("decode answer: result %d or reason %d is not known", m.Result, m.Reason)
	}
	a = &Answer{
		Result: Result(m.Result), Reason: Reason(m.Reason),
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
