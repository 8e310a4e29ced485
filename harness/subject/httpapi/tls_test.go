package httpapi_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/subject/httpapi"
	"github.com/onebar/onebar/harness/sut"
)

// TestTLS pays over HTTP/2 and TLS, with each way to trust the server.
func TestTLS(t *testing.T) {
	versions := make(chan string, 10)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		versions <- r.Proto
		_, _ = w.Write([]byte(`{"state": "done"}`))
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	folder := t.TempDir()
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	require.NoError(t, os.WriteFile(filepath.Join(folder, "ca.pem"), block, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "empty.pem"), nil, 0o600))
	sum := sha256.Sum256(s.Certificate().Raw)
	pin := hex.EncodeToString(sum[:])
	for name, tc := range map[string]struct {
		url  string
		tls  *sut.HTTPTLS
		want string // the error; empty is none
	}{
		"a CA":                  {"https://example.com", &sut.HTTPTLS{CA: "ca.pem"}, ""},
		"a pin":                 {"https://other.example", &sut.HTTPTLS{Pin: pin}, ""},
		"anybody":               {"https://other.example", &sut.HTTPTLS{Insecure: true}, ""},
		"another name":          {"https://other.example", &sut.HTTPTLS{CA: "ca.pem", Name: "example.com"}, ""},
		"not the name":          {"https://other.example", &sut.HTTPTLS{CA: "ca.pem"}, "not other.example"},
		"another certificate":   {"https://example.com", &sut.HTTPTLS{Pin: pin[2:] + "00"}, "and not the one that is pinned"},
		"the system's roots":    {"https://example.com", nil, "check url (http or https), and tls"},
		"a file without a cert": {"https://example.com", &sut.HTTPTLS{CA: "empty.pem"}, "holds no PEM certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			config := described()
			config.Setup, config.URL, config.TLS = nil, tc.url, tc.tls
			env, seen := environment(s.Listener.Addr().String())
			client := httpapi.NewClient(config, folder)
			defer client.Close()
			err := client.Start(t.Context(), env)
			if tc.want != "" {
				require.ErrorContains(t, err, tc.want)
				return
			}
			require.NoError(t, err)
			pay(t, env, client, payment(1))
			require.Equal(t, harness.Confirmed, seen.last().Outcome)
			require.Equal(t, "HTTP/2.0", <-versions)
		})
	}
}
