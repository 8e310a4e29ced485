package harness

// SubjectConfig says what is under test. Its JSON keys are those of the subject
// section of a scenario file, of which docs/scenarios.md is the reference. Secrets
// stand in it as the file names them, such as ${API_KEY}, and never as they are.
type SubjectConfig struct {
	// Broken are faults planted in the reference pair, by name, to see that they
	// are found.
	Broken []string `json:"broken,omitempty"`

	// An external system has all three; the reference pair has none.
	Client *ClientConfig `json:"client,omitempty"`
	Server *ServerConfig `json:"server,omitempty"`
	Ledger *LedgerConfig `json:"ledger,omitempty"`

	Terminate *TerminateConfig `json:"terminate,omitempty"` // nil passes TLS through
}

// ClientConfig is the payers' side of an external system: one of its fields.
type ClientConfig struct {
	HTTP *HTTPClient       `json:"http,omitempty"`
	Exec *ExecClientConfig `json:"exec,omitempty"`
}

// ServerConfig is its server: one of its fields.
type ServerConfig struct {
	Address   string            `json:"address,omitempty"` // host:port of one that is there
	Exec      *ExecServerConfig `json:"exec,omitempty"`
	Container *ContainerConfig  `json:"container,omitempty"`
}

// LedgerConfig is how to read what it has booked: one of its fields.
type LedgerConfig struct {
	HTTP *HTTPLedger    `json:"http,omitempty"`
	Exec *ProgramConfig `json:"exec,omitempty"`
	SQL  *SQLConfig     `json:"sql,omitempty"`
	None bool           `json:"none,omitempty"` // out of reach: what needs it is not judged
}

// TerminateConfig ends TLS of the clients before the server, so that the requests in
// it can be followed.
type TerminateConfig struct {
	Certificate string  `json:"certificate"`       // file in PEM that is shown to clients, with its chain
	Key         string  `json:"key"`               // file in PEM
	Upstream    HTTPTLS `json:"upstream,omitzero"` // whom to trust as the server
}
