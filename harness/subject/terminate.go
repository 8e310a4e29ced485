package subject

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"

	"github.com/onebar/onebar/harness/relay"
)

// Termination ends TLS of the clients before the server, with a certificate that
// they trust, and speaks TLS of its own with the server: so that HTTP in it can be
// followed. Without one TLS passes through untouched.
type Termination struct {
	clients, server *tls.Config
}

// NewTermination returns one that shows a certificate to the clients, and trusts as
// the server whom upstream does, under the name in it or else in its address. Both
// speak HTTP/1.1, which can be followed.
func NewTermination(shown tls.Certificate, upstream *tls.Config) *Termination {
	speaks := []string{"http/1.1"}
	server := upstream.Clone()
	server.NextProtos = speaks
	return &Termination{
		clients: &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{shown}, NextProtos: speaks},
		server:  server,
	}
}

// listen ends TLS of what l accepts.
func (t *Termination) listen(l net.Listener) net.Listener { return ending{l, t.clients} }

// dial begins TLS with the server, which is at address.
func (t *Termination) dial(dial relay.DialFunc, address string) relay.DialFunc {
	config := t.server.Clone()
	if host, _, err := net.SplitHostPort(address); err == nil && config.ServerName == "" {
		config.ServerName = host
	}
	return func(ctx context.Context) (net.Conn, error) {
		raw, err := dial(ctx)
		if err != nil {
			return nil, err
		}
		c := tls.Client(raw, config)
		if err := c.HandshakeContext(ctx); err != nil {
			raw.Close()
			return nil, fmt.Errorf("no TLS with the server: %w", err)
		}
		return secure{c}, nil
	}
}

// ending is a listener whose connections speak TLS.
type ending struct {
	net.Listener
	config *tls.Config
}

// Accept implements net.Listener. The handshake is the first Read's.
func (e ending) Accept() (net.Conn, error) {
	raw, err := e.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return secure{tls.Server(raw, e.config)}, nil
}

// secure is a connection that can be reset though it speaks TLS.
type secure struct{ *tls.Conn }

// SetLinger makes the next Close a reset, if the connection below can.
func (s secure) SetLinger(seconds int) error {
	return relay.Conn{Conn: s.NetConn()}.SetLinger(seconds)
}
