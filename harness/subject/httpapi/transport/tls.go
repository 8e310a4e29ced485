package transport

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/onebar/onebar/harness/sut"
)

// Trust returns the TLS configuration of a client. A nil c trusts the certificate
// authorities of the system. A relative path in c is relative to folder. The error's
// text begins with "tls.".
func Trust(c *sut.HTTPTLS, folder string) (*tls.Config, error) {
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
