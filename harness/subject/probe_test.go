package subject_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/harness/sut"
)

// fickle takes connections and drops them at once, as Docker's proxy does for a
// port at which no process listens.
func fickle(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	return l.Addr().String()
}

func TestProbe(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/", http.StatusFound)
		case "/busy":
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	up := server.Listener.Addr().String()
	soon := 100 * time.Millisecond
	for name, tc := range map[string]struct {
		address string
		ready   sut.Ready
		died    error
		want    string
	}{
		"takes a connection":    {address: up},
		"drops connections":     {address: fickle(t), ready: sut.Ready{Within: soon}, want: "and closes them at once; it said so"},
		"is not there":          {address: "127.0.0.1:1", ready: sut.Ready{Within: soon}, want: "not ready within 100ms: dial tcp 127.0.0.1:1: connect: connection refused; it said so"},
		"answers":               {address: up, ready: sut.Ready{HTTP: "/"}},
		"answers as it should":  {address: up, ready: sut.Ready{HTTP: "/busy", Status: 503}},
		"answers otherwise":     {address: up, ready: sut.Ready{HTTP: "/busy", Within: soon}, want: "GET /busy answered 503 Service Unavailable"},
		"redirects":             {address: up, ready: sut.Ready{HTTP: "/moved", Within: soon}, want: "GET /moved answered 302 Found"},
		"prints":                {ready: sut.Ready{Line: "open"}},
		"prints something else": {ready: sut.Ready{Line: "shut", Within: soon}, want: `it has printed no line with "shut"`},
		"has died":              {address: "127.0.0.1:1", died: errors.New("exit 3"), want: "not ready: exit 3"},
		"another one answers":   {address: up, died: errors.New("exit 3"), want: "not ready: exit 3"},
	} {
		t.Run(name, func(t *testing.T) {
			p := subject.Probe{
				Ready: tc.ready, Address: tc.address,
				Printed: func(text string) bool { return text == "open" },
				Died:    func() error { return tc.died }, Said: func() string { return "it said so" },
			}
			err := p.Await(t.Context())
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.want)
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := subject.Probe{Address: "127.0.0.1:1", Died: func() error { return nil }}.Await(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestAddressServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	t.Setenv("ONEBAR_TEST_SERVER", l.Addr().String())
	address, err := subject.AddressServer("${ONEBAR_TEST_SERVER}").Start(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, l.Addr().String(), address)
	_, err = subject.AddressServer("127.0.0.1:1").Start(t.Context(), nil)
	require.ErrorContains(t, err, "nobody answers at 127.0.0.1:1: ")
	_, err = subject.AddressServer("${ONEBAR_TEST_NONE}:1").Start(t.Context(), nil)
	require.ErrorContains(t, err, "ONEBAR_TEST_NONE")
	_, err = subject.NoLedger{}.Read(t.Context(), nil)
	require.ErrorIs(t, err, harness.ErrNoLedger)
}
