package httpapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/exchange"
)

// maxBody is the longest answer that is read, in bytes.
const maxBody = 16 << 20

// idle is how long a connection without use is kept, as in OkHttp.
const idle = 5 * time.Minute

// perHost is how many connections a phone keeps to a server.
const perHost = 16

// newHTTP returns an HTTP client whose connections are all made by dial, wherever
// their URL leads. It follows no redirect.
func newHTTP(dial func(context.Context) (net.Conn, error), t *tls.Config) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
			TLSClientConfig:     t.Clone(),
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: perHost,
			IdleConnTimeout:     idle,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Trust makes the configuration of a client of TLS; nil is the roots of the system.
// Files are in folder unless their path is absolute. Its error begins with "tls.".
func Trust(c *harness.HTTPTLS, folder string) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c == nil {
		return t, nil
	}
	t.ServerName, t.InsecureSkipVerify = c.Name, c.Insecure || c.Pin != ""
	if c.CA != "" {
		file := c.CA
		if !filepath.IsAbs(file) {
			file = filepath.Join(folder, file)
		}
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("tls.ca: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls.ca: %s holds no PEM certificate", file)
		}
	}
	if c.Pin != "" {
		want, err := hex.DecodeString(strings.ReplaceAll(c.Pin, ":", ""))
		if err != nil || len(want) != sha256.Size {
			return nil, errors.New("tls.pin: expected the SHA-256 of a certificate in hexadecimal: 64 digits, as openssl x509 -fingerprint -sha256 prints it")
		}
		t.VerifyConnection = func(s tls.ConnectionState) error { return pinned(s, want) }
	}
	return t, nil
}

func pinned(s tls.ConnectionState, want []byte) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the server shows no certificate")
	}
	got := sha256.Sum256(s.PeerCertificates[0].Raw)
	if !bytes.Equal(got[:], want) {
		return fmt.Errorf("the server's certificate is %x and not the one that is pinned", got)
	}
	return nil
}

// exchanged is how one request went.
type exchanged struct {
	answer      exchange.Answer
	dialed      bool // it tried to open a connection
	unconnected bool // it ended before one was open: there was none to use again, and TLS had not begun on a new one
	took        time.Duration
	err         error // no whole answer came
}

// send makes a request and reads the whole answer, within a time limit.
func send(h *http.Client, req *http.Request, limit time.Duration) (x exchanged) {
	ctx, cancel := context.WithTimeout(req.Context(), limit)
	defer cancel()
	begin := time.Now()
	defer func() { x.took = time.Since(begin) }()
	asked, reused := false, false
	var open atomic.Bool // set by the goroutine that dials, which may outlive the request
	trace := &httptrace.ClientTrace{
		GetConn:           func(string) { asked = true },
		TLSHandshakeStart: func() { open.Store(true) },
		GotConn: func(i httptrace.GotConnInfo) {
			reused = i.Reused
			open.Store(true)
		},
	}
	resp, err := h.Do(req.WithContext(httptrace.WithClientTrace(ctx, trace)))
	x.dialed = asked && !reused
	if err != nil {
		x.err, x.unconnected = plain(err), !open.Load()
		return x
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		x.err = fmt.Errorf("inside the answer: %w", plain(err))
	case len(body) > maxBody:
		x.err = fmt.Errorf("the answer is longer than %d MiB", maxBody>>20)
	}
	x.answer = exchange.Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}
	return x
}

// plain returns an error of net/http without the URL, in which there may be
// secrets.
func plain(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the server closed the connection")
	}
	return err
}

var errTimeout = errors.New("no answer in time")
