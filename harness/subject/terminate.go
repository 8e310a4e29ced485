package subject

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"

	"github.com/onebar/onebar/harness/relay"
)

// Termination terminates the clients' TLS before the server, with a certificate that
// they trust, and opens its own TLS connection to the server. So onebar can follow the
// HTTP requests. Without a Termination, TLS passes unchanged.
type Termination struct {
	clients, server *tls.Config
}

// NewTermination returns a Termination that shows the certificate shown to the clients.
// upstream says which servers it trusts; without a ServerName the server's address is
// its name. Both sides speak HTTP/1.1, because onebar cannot follow HTTP/2.
func NewTermination(shown tls.Certificate, upstream *tls.Config) *Termination {
	speaks := []string{"http/1.1"}
	server := upstream.Clone()
	server.NextProtos = speaks
	return &Termination{
		clients: &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{shown}, NextProtos: speaks},
		server:  server,
	}
}

// listen returns a listener that terminates TLS on the connections of l.
func (t *Termination) listen(l net.Listener) net.Listener { return ending{l, t.clients} }

// dial returns a dialer that opens TLS to the server at address.
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

// Accept implements net.Listener. The first Read makes the handshake.
func (e ending) Accept() (net.Conn, error) {
	raw, err := e.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return secure{tls.Server(raw, e.config)}, nil
}

// secure is a TLS connection that can be reset.
type secure struct{ *tls.Conn }

// SetLinger makes the next Close send a reset, if the connection below can do so.
func (s secure) SetLinger(seconds int) error {
	return relay.Conn{Conn: s.NetConn()}.SetLinger(seconds)
}
