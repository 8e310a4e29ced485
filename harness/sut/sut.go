// Package sut is the configuration of the system under test: the subject section of a
// scenario. The zero [Config] is the reference pair; an external system has a client, a
// server and a ledger.
package sut

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

// Ledger is how to read what it has booked: one of its fields.
type Ledger struct {
	HTTP *HTTPLedger `json:"http,omitempty"`
	Exec *Program    `json:"exec,omitempty"`
	SQL  *SQL        `json:"sql,omitempty"`
	None bool        `json:"none,omitempty"` // out of reach: what needs it is not judged
}

// Terminate ends TLS of the clients before the server, so that the requests in
// it can be followed.
type Terminate struct {
	Certificate string  `json:"certificate"`       // file in PEM that is shown to clients, with its chain
	Key         string  `json:"key"`               // file in PEM
	Upstream    HTTPTLS `json:"upstream,omitzero"` // whom to trust as the server
}
