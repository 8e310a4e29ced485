package control_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/toxi/control"
)

// bench is a Proxy before a server that answers with all that it got once the client
// has ended its stream.
type bench struct {
	*control.Proxy
	upstream string

	mu       sync.Mutex
	profiles []string // asked for
}

func newBench(tb testing.TB) *bench {
	tb.Helper()
	upstream, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	var served sync.WaitGroup
	served.Go(func() {
		for {
			c, err := upstream.Accept()
			if err != nil {
				return
			}
			served.Go(func() {
				defer c.Close()
				all, err := io.ReadAll(c)
				if err == nil {
					_, _ = c.Write(all)
				}
			})
		}
	})
	b := &bench{upstream: "bank.example:443"}
	b.Proxy, err = control.New(tb.Context(), control.Config{
		API: "127.0.0.1:0", Name: "onebar", Listen: "127.0.0.1:0", Upstream: b.upstream, Dial: upstream.Addr().String(),
		Profile: func(name string) error {
			if name == "nowhere" {
				return errors.New("there is no profile nowhere")
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			b.profiles = append(b.profiles, name)
			return nil
		},
	})
	require.NoError(tb, err)
	tb.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		require.NoError(tb, b.Close())
		upstream.Close()
		served.Wait()
	})
	return b
}

// send sends a request to the API and returns status and body of the answer.
func (b *bench) send(tb testing.TB, method, path, body, agent string) (int, string) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, "http://"+b.API()+path, strings.NewReader(body))
	require.NoError(tb, err)
	req.Header.Set("User-Agent", agent)
	res, err := http.DefaultClient.Do(req)
	require.NoError(tb, err)
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	require.NoError(tb, err)
	return res.StatusCode, string(got)
}

// through sends a text through the proxy, ends the stream, and returns what comes back.
func (b *bench) through(tb testing.TB, text string) string {
	tb.Helper()
	c, err := net.Dial("tcp", b.Addr())
	require.NoError(tb, err)
	defer c.Close()
	require.NoError(tb, c.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = c.Write([]byte(text))
	require.NoError(tb, err)
	require.NoError(tb, c.(*net.TCPConn).CloseWrite())
	got, err := io.ReadAll(c)
	require.NoError(tb, err)
	return string(got)
}

// TestRanges adds toxics with values that toxiproxy takes, and at the next byte panics or
// never ends.
func TestRanges(t *testing.T) {
	b := newBench(t)
	for name, tc := range map[string]struct{ toxic, want string }{
		"bandwidth below 0":       {`{"type": "bandwidth", "attributes": {"rate": -5}}`, "rate -5 is not between"},
		"bandwidth that wraps":    {`{"type": "bandwidth", "attributes": {"rate": 9223372036854775807}}`, "is not between"},
		"jitter that wraps":       {`{"type": "latency", "attributes": {"jitter": 9223372036854775807}}`, "jitter"},
		"latency below 0":         {`{"type": "latency", "attributes": {"latency": -1}}`, "latency -1"},
		"slices of nothing":       {`{"type": "slicer", "attributes": {}}`, "average_size 0"},
		"no attributes":           {`{"type": "slicer"}`, "average_size 0"},
		"slices below nothing":    {`{"type": "slicer", "attributes": {"average_size": 10, "size_variation": -9}}`, "size_variation"},
		"slices beyond the data":  {`{"type": "slicer", "attributes": {"average_size": 10, "size_variation": 1000}}`, "size_variation"},
		"in other letters":        {`{"TYPE": "bandwidth", "Attributes": {"RATE": -5}}`, "rate -5"},
		"followed by other text":  {`{"type": "bandwidth", "attributes": {"rate": -5}} and more`, "rate -5"},
		"given twice":             {`{"type": "bandwidth", "attributes": {"rate": 5}, "attributes": {"rate": -5}}`, "rate -5"},
		"a type of onebar's own":  {`{"type": "onebar"}`, "onebar"},
		"a type there is not":     {`{"type": "fire"}`, "fire"},
		"a profile there is not":  {`{"type": "link", "attributes": {"profile": "nowhere"}}`, "no profile nowhere"},
		"a number that is broken": {`{"type": "bandwidth", "attributes": {"rate": 1.5}}`, "bad request body"},
		"a stream there is not":   {`{"type": "latency", "stream": "sideways"}`, "stream was invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := b.send(t, http.MethodPost, "/proxies/onebar/toxics", tc.toxic, "test")
			require.Equal(t, http.StatusBadRequest, status)
			require.Contains(t, body, tc.want)
			require.Equal(t, "hello", b.through(t, "hello"))
		})
	}
	t.Run("an update", func(t *testing.T) {
		status, _ := b.send(t, http.MethodPost, "/proxies/onebar/toxics", `{"name": "s", "type": "slicer", "attributes": {"average_size": 10, "size_variation": 5}}`, "test")
		require.Equal(t, http.StatusOK, status)
		status, body := b.send(t, http.MethodPatch, "/proxies/onebar/toxics/s", `{"attributes": {"average_size": 5}}`, "test")
		require.Equal(t, http.StatusBadRequest, status, "the variation of before is out of range now")
		require.Contains(t, body, "size_variation 5 is not below")
		require.Equal(t, "hello", b.through(t, "hello"))
	})
}

// TestBrowsers sends what a page of any site can make a browser send.
func TestBrowsers(t *testing.T) {
	b := newBench(t)
	before := len(b.profiles)
	for path, body := range map[string]string{
		"/proxies/onebar/toxics": `{"type": "link", "attributes": {"profile": "umts"}}`,
		"/proxies/onebar":        `{"enabled": false}`,
		"/reset":                 ``,
	} {
		status, _ := b.send(t, http.MethodPost, path, body, "Mozilla/5.0 (X11)")
		require.Equal(t, http.StatusForbidden, status)
	}
	require.Len(t, b.profiles, before, "the link was changed before the browser was refused")
	require.Equal(t, "hello", b.through(t, "hello"))
}

// TestHalfClose gets an answer that is sent after the end of the request.
func TestHalfClose(t *testing.T) {
	b := newBench(t)
	require.Equal(t, "hello", b.through(t, "hello"))
	status, _ := b.send(t, http.MethodPost, "/proxies/onebar/toxics", `{"type": "latency", "stream": "upstream", "attributes": {"latency": 20}}`, "test")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "hello", b.through(t, "hello"))
}

// TestToxicsEndConnections closes by a toxic what the client has not.
func TestToxicsEndConnections(t *testing.T) {
	for name, tc := range map[string]struct {
		toxic string
		reset bool
	}{
		"limit_data": {`{"type": "limit_data", "stream": "upstream", "attributes": {"bytes": 3}}`, false},
		"timeout":    {`{"type": "timeout", "stream": "upstream", "attributes": {"timeout": 10}}`, false},
		"reset_peer": {`{"type": "reset_peer", "stream": "upstream", "attributes": {"timeout": 0}}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			status, _ := b.send(t, http.MethodPost, "/proxies/onebar/toxics", tc.toxic, "test")
			require.Equal(t, http.StatusOK, status)
			c, err := net.Dial("tcp", b.Addr())
			require.NoError(t, err)
			defer c.Close()
			require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
			_, err = c.Write([]byte("hello"))
			require.NoError(t, err)
			_, err = c.Read(make([]byte, 1))
			if tc.reset {
				require.ErrorContains(t, err, "reset")
			} else {
				require.ErrorIs(t, err, io.EOF)
			}
		})
	}
}

// TestPopulate populates the API with its own proxy, as set-up code of tests does.
func TestPopulate(t *testing.T) {
	b := newBench(t)
	entry := func(name, listen, upstream string) string {
		text, err := json.Marshal([]map[string]string{{"name": name, "listen": listen, "upstream": upstream}})
		require.NoError(t, err)
		return string(text)
	}
	for name, tc := range map[string]struct {
		body   string
		status int
		want   string
	}{
		"its own":             {entry("onebar", b.Addr(), b.upstream), http.StatusCreated, b.upstream},
		"its own, as given":   {entry("onebar", "127.0.0.1:0", b.upstream), http.StatusCreated, b.Addr()},
		"nothing":             {`[]`, http.StatusCreated, "proxies"},
		"another":             {entry("other", b.Addr(), b.upstream), http.StatusBadRequest, "one proxy"},
		"another upstream":    {entry("onebar", b.Addr(), "127.0.0.1:1"), http.StatusBadRequest, "upstream of"},
		"another listener":    {entry("onebar", "127.0.0.1:1", b.upstream), http.StatusBadRequest, "listen of"},
		"without an upstream": {`[{"name": "onebar"}]`, http.StatusBadRequest, "missing required field"},
		"not a list":          {`{"name": "onebar"}`, http.StatusBadRequest, "bad request body"},
		"more than one": {
			strings.TrimSuffix(entry("onebar", b.Addr(), b.upstream), "]") + `,{"name": "x", "upstream": "h:1"}]`,
			http.StatusBadRequest, "one proxy",
		},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := b.send(t, http.MethodPost, "/populate", tc.body, "test")
			require.Equal(t, tc.status, status, body)
			require.Contains(t, body, tc.want)
			require.Equal(t, "hello", b.through(t, "hello"))
		})
	}
	status, body := b.send(t, http.MethodPatch, "/proxies/onebar", `{"upstream": "127.0.0.1:1"}`, "test")
	require.Equal(t, http.StatusBadRequest, status, "it would lead around the link")
	require.Contains(t, body, "another onebar")
}

// TestEnable closes connections and listener, and opens the same port again.
func TestEnable(t *testing.T) {
	b := newBench(t)
	at := b.Addr()
	c, err := net.Dial("tcp", at)
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Write([]byte("x"))
	require.NoError(t, err)
	status, body := b.send(t, http.MethodPost, "/proxies/onebar", `{"enabled": false}`, "test")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, `"enabled":false`)
	require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = c.Read(make([]byte, 1))
	require.Error(t, err)
	_, err = net.Dial("tcp", at)
	require.Error(t, err)
	status, _ = b.send(t, http.MethodPost, "/reset", "", "test")
	require.Equal(t, http.StatusNoContent, status)
	require.Equal(t, at, b.Addr())
	require.Equal(t, "hello", b.through(t, "hello"))
}

// FuzzAPI sends any request: the API answers, and what comes after it passes, unless a
// toxic that was accepted holds it up.
func FuzzAPI(f *testing.F) {
	for _, s := range []struct{ method, path, body string }{
		{"POST", "/proxies/onebar/toxics", `{"type": "slicer", "attributes": {"average_size": 4, "size_variation": 3}}`},
		{"POST", "/proxies/onebar/toxics", `{"type": "latency", "attributes": {"latency": 1, "jitter": 1}}`},
		{"POST", "/proxies/onebar/toxics", `{"type": "bandwidth", "attributes": {"rate": 0}}`},
		{"POST", "/proxies/onebar/toxics", `{"type": "limit_data", "attributes": {"bytes": 3}, "toxicity": 0.5}`},
		{"POST", "/proxies/onebar/toxics", `{"type": "link", "attributes": {"profile": "umts"}}`},
		{"PATCH", "/proxies/onebar/toxics/latency_downstream", `{"attributes": {"latency": 2}}`},
		{"DELETE", "/proxies/onebar/toxics/latency_downstream", ``},
		{"POST", "/populate", `[{"name": "onebar", "upstream": "bank.example:443"}]`},
		{"POST", "/proxies/onebar", `{"enabled": true}`},
		{"POST", "/reset", ``},
		{"PUT", "/proxies/%2e%2e//x", `null`},
	} {
		f.Add(s.method, s.path, []byte(s.body))
	}
	b := newBench(f)
	f.Fuzz(func(t *testing.T, method, path string, body []byte) {
		req, err := http.NewRequestWithContext(t.Context(), method, "http://x/", bytes.NewReader(body))
		if err != nil {
			return
		}
		req.URL.Path = path
		w := httptest.NewRecorder()
		b.Handler().ServeHTTP(w, req)
		require.Less(t, w.Code, http.StatusInternalServerError, w.Body.String())
		c, err := net.Dial("tcp", b.Addr())
		if err == nil {
			_ = c.SetDeadline(time.Now().Add(5 * time.Millisecond))
			_, _ = c.Write([]byte("hello"))
			_, _ = io.ReadAll(c)
			c.Close()
		}
		w = httptest.NewRecorder()
		b.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/reset", nil))
		require.Equal(t, http.StatusNoContent, w.Code)
	})
}
