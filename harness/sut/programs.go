package sut

import "time"

// Program is how to start a program.
type Program struct {
	Command []string          `json:"command"`       // program and arguments; no shell reads them
	Env     map[string]string `json:"env,omitempty"` // added to the environment of onebar
	Dir     string            `json:"dir,omitempty"` // working folder, from the scenario's; empty is the scenario's
}

// ExecClient is a client that is a program, see docs/exec-client.md.
type ExecClient struct {
	Program
	Shared bool `json:"shared,omitempty"` // one program pays for all wallets, and not one for each
	Kernel bool `json:"kernel,omitempty"` // each program in a network namespace of its own, whose kernel meets the link
	Holds  bool `json:"holds,omitempty"`  // it answers what its payers still hold
}

// ExecServer is a server that is a program.
type ExecServer struct {
	Program
	Address string `json:"address,omitempty"` // host:port where it listens; empty if it is told a port by {{port}}
	Ready   Ready  `json:"ready,omitzero"`
}

// Ready is how to know that a server answers. The zero value is: it takes a
// connection and keeps it open.
type Ready struct {
	HTTP   string        `json:"http,omitempty"`   // a path that answers GET
	Status int           `json:"status,omitempty"` // with this; 0 is any from 200 to 299
	Line   string        `json:"line,omitempty"`   // a text in a line that it prints
	Within time.Duration `json:"within,omitempty"` // longest wait; 0 is 30 s
}

// Container is a container: of an image, or of the folder of a Dockerfile.
type Container struct {
	Image      string            `json:"image,omitempty"`
	Build      string            `json:"build,omitempty"`      // folder, from the scenario's
	Dockerfile string            `json:"dockerfile,omitempty"` // in Build; empty is Dockerfile
	Command    []string          `json:"command,omitempty"`    // in place of the image's
	Env        map[string]string `json:"env,omitempty"`
	Mounts     map[string]string `json:"mounts,omitempty"` // folders of the host, from the scenario's, by where they are in the container
	Port       int               `json:"port,omitempty"`   // where it listens; published on loopback
	Ready      Ready             `json:"ready,omitzero"`

	// Beside are containers that it needs, by the names under which it finds them.
	Beside map[string]Container `json:"beside,omitempty"`
}

// SQL is a ledger that is read from a database.
type SQL struct {
	Driver string `json:"driver"` // postgres, mysql or sqlite
	DSN    string `json:"dsn"`    // as the driver takes it

	// Query gives the columns id, payer, payee, amount (in minor units) and currency,
	// and if it can payment and order.
	Query string `json:"query"`
	// Balances gives account, currency and balance (in minor units), and if it can
	// floor; empty is none.
	Balances string `json:"balances,omitempty"`
}
