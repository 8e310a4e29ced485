// Package sut is the configuration of the system under test: the subject section of a
// scenario. The zero [Config] is the reference pair; an external system has a client, a
// server and a ledger.
package sut

import "time"

// Config says what is under test. Its JSON keys are those of the subject
// section of a scenario file, of which docs/scenarios.md is the reference. Secrets
// stand in it as the file names them, such as ${API_KEY}, and never as they are.
type Config struct {
	// Broken are faults planted in the reference pair, by name, to see that they
	// are found.
	Broken []string `json:"broken,omitempty"`

	// An external system has all three; the reference pair has none.
	Client *Client `json:"client,omitempty"`
	Server *Server `json:"server,omitempty"`
	Ledger *Ledger `json:"ledger,omitempty"`

	Terminate *Terminate `json:"terminate,omitempty"` // nil passes TLS through
}

// Client is the payers' side of an external system: one of its fields.
type Client struct {
	HTTP *HTTPClient `json:"http,omitempty"`
	Exec *ExecClient `json:"exec,omitempty"`
}

// Server is its server: one of its fields.
type Server struct {
	Address   string      `json:"address,omitempty"` // host:port of one that is there
	Exec      *ExecServer `json:"exec,omitempty"`
	Container *Container  `json:"container,omitempty"`
}

// Ledger is how to read what it has booked: one of its fields, and Quiet.
type Ledger struct {
	HTTP *HTTPLedger `json:"http,omitempty"`
	Exec *Program    `json:"exec,omitempty"`
	SQL  *SQL        `json:"sql,omitempty"`
	None bool        `json:"none,omitempty"` // out of reach: what needs it is not judged

	// Quiet is how long it must not have changed before it is judged; 0 reads it once, and
	// nil is DefaultQuiet.
	Quiet *time.Duration `json:"quiet,omitempty"`
}

// DefaultQuiet is longer than the queues of most servers take to book what was accepted. A
// queue may wait longer before it delivers again what was not acknowledged, such as 30 s
// (the default of AckWait in NATS JetStream).
const DefaultQuiet = 5 * time.Second

// QuietFor returns how long the ledger must not have changed before it is judged.
func (l *Ledger) QuietFor() time.Duration {
	switch {
	case l.None:
		return 0
	case l.Quiet == nil:
		return DefaultQuiet
	}
	return *l.Quiet
}

// Terminate ends TLS of the clients before the server, so that the requests in
// it can be followed.
type Terminate struct {
	Certificate string  `json:"certificate"`       // file in PEM that is shown to clients, with its chain
	Key         string  `json:"key"`               // file in PEM
	Upstream    HTTPTLS `json:"upstream,omitzero"` // whom to trust as the server
}
