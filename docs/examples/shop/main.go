// Command shop is a small payment service to try onebar on: accounts, and
// payments with an idempotency key, in PostgreSQL or SQLite.
//
//	PUT  /accounts/{name}  {"balance": 10000}          opens an account, once
//	POST /payments         {"payer", "payee", "amount", "currency", "order"}
//	                       with an Idempotency-Key     201 booked, 402 declined
//	GET  /health
//
// It is right as it is. With -mistake it has one that real services have had:
//
//	key-outside     looks for the key before its transaction, and not in it
//	key-after       stores the key after the charge, in a transaction of its own
//	key-forgotten   forgets the key when something fails after the charge
package main

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/ncruces/go-sqlite3/driver"
)

func main() {
	if err := run(); err != nil {
		slog.Error("shop", "err", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

func run() (err error) {
	listen := flag.String("listen", ":8080", "address to listen at")
	database := flag.String("db", cmp.Or(os.Getenv("SHOP_DB"), "file:shop.db"), "postgres://… or file:…; without it SHOP_DB")
	mistake := flag.String("mistake", os.Getenv("SHOP_MISTAKE"), "key-outside, key-after or key-forgotten; without it SHOP_MISTAKE, or none")
	fraud := flag.Duration("fraud", 5*time.Millisecond, "how long the fraud check takes, which comes before the charge")
	receipt := flag.Duration("receipt", 5*time.Millisecond, "how long the receipt printer takes, which comes after it")
	jams := flag.Float64("jams", 0, "how often the printer fails, 0 to 1")
	ledger := flag.Bool("ledger", false, "print what is booked as JSON lines, and end")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	db, err := openBooks(ctx, *database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if *ledger {
		return db.ledger(ctx, os.Stdout)
	}
	s := &shop{books: db, mistake: *mistake, fraud: *fraud, receipt: *receipt, jams: *jams}
	switch s.mistake {
	case "", keyOutside, keyAfter, keyForgotten:
	default:
		return fmt.Errorf("-mistake %q: expected key-outside, key-after or key-forgotten", s.mistake)
	}
	server := &http.Server{Addr: *listen, Handler: s.routes(), ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	slog.Info("shop is open", "at", *listen)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// shop serves the API.
type shop struct {
	books   *books
	mistake string
	fraud   time.Duration
	receipt time.Duration
	jams    float64
}

func (s *shop) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "open") })
	mux.HandleFunc("PUT /accounts/{name}", s.open)
	mux.HandleFunc("POST /payments", s.pay)
	return mux
}

func (s *shop) open(w http.ResponseWriter, r *http.Request) {
	var account struct {
		Balance int64 `json:"balance"`
	}
	if err := json.NewDecoder(r.Body).Decode(&account); err != nil || account.Balance < 0 {
		answer(w, http.StatusBadRequest, "an account is {\"balance\": 0} or more")
		return
	}
	if err := s.books.open(r.Context(), r.PathValue("name"), account.Balance); err != nil {
		answer(w, http.StatusInternalServerError, err.Error())
		return
	}
	answer(w, http.StatusOK, "open")
}

// currency is the only one that accounts are in.
const currency = "KES"

// payment is what is asked for.
type payment struct {
	Key      string `json:"-"`
	Order    string `json:"order"`
	Payer    string `json:"payer"`
	Payee    string `json:"payee"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

func (s *shop) pay(w http.ResponseWriter, r *http.Request) {
	var p payment
	err := json.NewDecoder(r.Body).Decode(&p)
	p.Key = r.Header.Get("Idempotency-Key")
	if err != nil || p.Key == "" || p.Amount <= 0 || p.Currency != currency {
		answer(w, http.StatusBadRequest, "a payment has a key, a payer, a payee, and an amount above 0 in "+currency)
		return
	}
	status, err := s.charge(r.Context(), p)
	if err != nil {
		slog.Error("pay", "key", p.Key, "err", err)
		answer(w, http.StatusInternalServerError, "something went wrong")
		return
	}
	answer(w, status, map[int]string{http.StatusCreated: "booked", http.StatusPaymentRequired: "declined"}[status])
}

// charge books a payment unless its key has been seen, and prints a receipt.
func (s *shop) charge(ctx context.Context, p payment) (status int, err error) {
	switch s.mistake {
	case keyOutside:
		return s.chargeKeyOutside(ctx, p)
	case keyAfter:
		return s.chargeKeyAfter(ctx, p)
	}
	if err := after(ctx, s.fraud); err != nil {
		return 0, err
	}
	if status, err = s.books.book(ctx, p); err != nil {
		return 0, err
	}
	if err := s.print(ctx); err != nil {
		if s.mistake == keyForgotten {
			// "It failed, so let the customer try again."
			return 0, errors.Join(err, s.books.forget(context.WithoutCancel(ctx), p.Key))
		}
		return 0, err // booked all the same: who asks again is told so
	}
	return status, nil
}

// print prints a receipt, which takes a moment and may fail.
func (s *shop) print(ctx context.Context) error {
	if err := after(ctx, s.receipt); err != nil {
		return err
	}
	if rand.Float64() < s.jams { //nolint:forbidigo // the shop knows no onebar
		return errors.New("the receipt printer is jammed")
	}
	return nil
}

// after waits, unless the customer leaves.
func after(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("the customer has left: %w", ctx.Err())
	case <-time.After(d):
		return nil
	}
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"status": text}) // the customer may have left
}

// books is the database.
type books struct{ *sql.DB }
