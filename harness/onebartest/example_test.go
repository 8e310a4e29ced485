package onebartest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/onebar/onebar/harness/onebartest"
)

// A wallet service with net/http and TLS, as it is in production, is put on the
// bench by a System function. service_test.go has its handler and its app.
func ExampleTrial() {
	var t *testing.T // that of the test function this stands in
	x := onebartest.Trial{Scenario: "tunnel", System: wiring{}.system}
	x.Run(t)     // one run
	x.Sweep(t)   // each fault at each packet and commit of a payment
	x.Explore(t) // many seeds
}

// wiring is a way to put the wallet service on the bench.
type wiring struct {
	flaw  string // of service_test.go, or empty
	http2 bool
	deaf  bool // over HTTP/2, no pings
}

// system is a Trial's System.
func (k wiring) system(b *onebartest.Bench) (onebartest.System, error) {
	cert, roots, err := onebartest.Certificate("pay.example.com")
	if err != nil {
		return onebartest.System{}, err
	}
	s := k.serving(b, cert)
	s.Client = func(_ context.Context, p *onebartest.Phone) onebartest.Pay {
		return (&app{phone: p, flaw: k.flaw, http: k.client(p, roots)}).pay
	}
	return s, nil
}

// serving is the server alone.
func (k wiring) serving(b *onebartest.Bench, cert tls.Certificate) onebartest.System {
	db := newDatabase(b.Workload)
	return onebartest.System{
		Commits: true, Ledger: db.ledger,
		Serve: func(ctx context.Context, l net.Listener) error {
			s := &service{db: db, flaw: k.flaw, memory: map[string]receipt{}}
			s.commit = func(books string, write func() error) error { return b.Commit(ctx, books, write) }
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s.ServeHTTP(w, r)
				b.Answer(r.Context()) // may come late
			})
			server := &http.Server{
				Handler: handler, TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}},
				ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(b.Log.Handler(), slog.LevelInfo),
			}
			return server.ServeTLS(l, "", "")
		},
	}
}

// client is what the app has in production, but for DialContext and the roots.
func (k wiring) client(p *onebartest.Phone, roots *x509.CertPool) *http.Client {
	t := &http.Transport{
		DialContext: p.DialContext, TLSClientConfig: &tls.Config{RootCAs: roots},
		IdleConnTimeout: time.Minute, ForceAttemptHTTP2: k.http2,
	}
	if k.http2 && !k.deaf { // a request that times out leaves its connection in use: find out when it is dead
		t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 5 * time.Second, PingTimeout: 5 * time.Second}
	}
	return &http.Client{Transport: t, Timeout: 8 * time.Second}
}
