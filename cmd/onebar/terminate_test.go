package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
)

// certificate writes a certificate for 127.0.0.1 and its key, NAME.pem and NAME.key.
func certificate(t *testing.T, dir, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	shown := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	hidden := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	require.NoError(t, os.WriteFile(filepath.Join(dir, name+".pem"), shown, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, name+".key"), hidden, 0o600))
	pair, err := tls.X509KeyPair(shown, hidden)
	require.NoError(t, err)
	return pair
}

// TLS that ends before the server can be followed: an answer is lost after the
// booking, and a server that knows no keys books twice; one that does books once.
func TestTerminatedTLS(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	for name, tc := range map[string]struct {
		keys  bool
		check result.Status
	}{"with keys": {true, result.Pass}, "without": {false, result.Fail}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			certificate(t, dir, "shown")
			var mu sync.Mutex
			type booking struct {
				ID        int
				Amount    int
				Reference string
			}
			booked := []booking{}
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				b := booking{ID: len(booked) + 1}
				if r.Method == http.MethodPost && json.NewDecoder(r.Body).Decode(&b) == nil {
					known := false
					for _, old := range booked {
						known = known || old.Reference == b.Reference
					}
					if !tc.keys || !known {
						booked = append(booked, b)
					}
					w.WriteHeader(http.StatusCreated)
				}
				_ = json.NewEncoder(w).Encode(booked)
			}))
			server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate(t, dir, "real")}}
			server.StartTLS()
			defer server.Close()
			address := strings.TrimPrefix(server.URL, "https://")
			file := filepath.Join(dir, "scenario.yaml")
			require.NoError(t, os.WriteFile(file, []byte(`
onebar: 1
name: terminated
workload: {wallets: 1, payments: 3, rate: 1/s, amount: 5 EUR}
link: lte
subject:
  terminate: {certificate: shown.pem, key: shown.key, upstream: {ca: real.pem}}
  client:
    http:
      url: https://`+address+`
      tls: {ca: shown.pem}
      pay: {path: /, body: '{"Amount": {{ payment.amount }}, "Reference": {{ json(payment.reference) }}}'}
      outcomes: [{when: status == 201, outcome: confirmed}]
      timeout: 5s
  server: {address: "`+address+`"}
  ledger:
    quiet: 100ms
    http:
      url: https://`+address+`
      tls: {ca: shown.pem}
      path: /
      fields: {id: item.ID, amount: item.Amount, payment: item.Reference}
timeline:
  - {when: {request: 2}, disconnect: reset}
settle: 20s
`), 0o600))
			res, out := on(t, "packet", file)
			require.Empty(t, res.Error, out)
			require.Equal(t, tc.check, res.Verdict("duplicated").Status, out)
			require.Equal(t, result.Pass, res.Verdict("lost").Status, out)
			require.EqualValues(t, 1, res.Faults[0].Times, out)
		})
	}
}
