// Package endpoint is the section subject of a scenario file: the client, the server and
// the ledger of the system under test. Start at [Subject]; package keys reads it.
package endpoint

import (
	"cmp"
	"errors"
	"maps"
	"net"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/onebar/onebar/harness/keys"
)

// Subject is the section. Its plain form is sut.Config.
type Subject struct {
	Broken []keys.Word `yaml:"broken" words:"new-key-per-attempt answer-before-commit forget-keys" doc:"bugs planted in the reference wallet and bank, to show that the checks find them. new-key-per-attempt: the wallet draws a new idempotency key for each attempt; answer-before-commit: the bank answers before its commit; forget-keys: the bank forgets its idempotency records when it restarts"`
	Client client      `yaml:"client" doc:"your own client, which pays"`
	Server server      `yaml:"server" doc:"your own server, which books the payments"`
	Ledger ledger      `yaml:"ledger" doc:"how to read what your server has booked"`

	Terminate terminate `yaml:"terminate" doc:"ends the clients' TLS with a certificate that they trust, and opens TLS of its own to the server, so that events can begin at requests; without it TLS passes through untouched"`
}

// Rules of the section: either the reference pair, or all three of a system of others.
func (*Subject) Rules() []keys.Rule {
	others := []string{"client", "server", "ledger"}
	return []keys.Rule{
		{All: others, Text: "the subject has only {given}; a system of others has client, server and ledger (none: true is a ledger that cannot be read)"},
		{If: []string{"broken"}, Bars: others, At: "broken", Text: "broken does not go with client, server and ledger: only the reference pair has planted faults"},
		{If: []string{"terminate"}, Needs: others, At: "terminate", Text: "terminate is for a system of others: the reference pair speaks no TLS"},
	}
}

type terminate struct {
	Certificate keys.Verbatim `yaml:"certificate" file:"file" required:"true" doc:"PEM file with the certificate for the clients and its chain; relative paths start at the folder of the scenario file"`
	Key         keys.Verbatim `yaml:"key" file:"file" required:"true" doc:"PEM file with the key of the certificate"`
	Upstream    httpTLS       `yaml:"upstream" doc:"which server certificates to trust; without it the roots of the system and the host of the server's address"`
}

// client is one of its keys, as are server and ledger.
type client struct {
	HTTP httpClient `yaml:"http" doc:"onebar pays over HTTP, as an app would"`
	Exec execClient `yaml:"exec" doc:"an external program that gets payment commands, see [exec-client.md](exec-client.md)"`
}

type server struct {
	Address   hostPort   `yaml:"address" doc:"host:port of a server that is already running; TLS passes through untouched"`
	Exec      execServer `yaml:"exec" doc:"a program that onebar starts for the run and can crash"`
	Container container  `yaml:"container" doc:"a container that onebar starts for the run and can crash"`
}

type ledger struct {
	HTTP httpLedger `yaml:"http" doc:"an HTTP endpoint that lists the bookings"`
	Exec program    `yaml:"exec" doc:"a program that prints the ledger"`
	SQL  sqlLedger  `yaml:"sql" doc:"a query to a database"`
	None keys.Yes   `yaml:"none" doc:"true: the ledger cannot be read; checks that need it are n/a, and the report says so"`

	Quiet keys.Duration `yaml:"quiet" range:"0s..1h" doc:"the ledger is read again until it has not changed for this long, and judged then; at most settle is waited for that; 0s reads it once; without it 5s"`
}

func (*client) Rules() []keys.Rule { return oneOf("client", keys.Of(reflect.TypeFor[client]())) }

func (*ledger) Rules() []keys.Rule {
	kinds := slices.DeleteFunc(keys.Of(reflect.TypeFor[ledger]()), func(k keys.Key) bool { return k.Name == "quiet" })
	return append(oneOf("ledger", kinds), keys.Rule{If: []string{"none"}, Bars: []string{"quiet"}, Text: "{key} has no effect on a ledger that cannot be read"})
}

func (*server) Rules() []keys.Rule {
	return append(oneOf("server", keys.Of(reflect.TypeFor[server]())), keys.Rule{
		If: []string{"container"}, Needs: []string{"container.port"}, At: "container", Text: "container has no port: where the server listens in it",
	})
}

func oneOf(what string, all []keys.Key) []keys.Rule {
	names := keys.Names(all)
	return []keys.Rule{{One: names, Text: what + " needs exactly one of " + strings.Join(names, ", ")}}
}

// Check reports what only makes sense together, apart from the rules between keys. A
// client, server or ledger that breaks a rule has been reported.
func (v *Subject) Check(r *keys.Reader) {
	if r.Good(&v.Client) {
		v.Client.HTTP.check(r)
		v.Client.Exec.check(r)
	}
	if r.Good(&v.Server) {
		v.Server.Exec.check(r)
		v.Server.Container.check(r)
	}
	if r.Good(&v.Ledger) {
		names := append([]string{"server", "dir"}, slices.Sorted(maps.Keys(v.Server.Container.Beside.M))...)
		v.Ledger.HTTP.check(r)
		v.Ledger.Exec.check(r, names)
		v.Ledger.SQL.check(r, names)
	}
}

// hostPort is the address of a server, with a port from 1 to 65535.
type hostPort struct{ keys.Verbatim }

// Scalar describes the address.
func (v *hostPort) Scalar() keys.Scalar {
	return stricter(&v.Verbatim, "one such as 127.0.0.1:8080", `.:[1-9][0-9]{0,4}$`, func(s string) error {
		host, port, err := net.SplitHostPort(s)
		n, wrong := strconv.Atoi(port)
		if err != nil || wrong != nil || host == "" || n < 1 || n > 65535 {
			return errors.New("is not host:port")
		}
		return nil
	})
}

// stricter describes a text that must meet a check and, for the schema, a pattern.
func stricter(v *keys.Verbatim, wants, pattern string, check func(string) error) keys.Scalar {
	s := v.Scalar()
	scan := s.Scan
	s.Wants = wants
	s.Scan = func(text string) error { return cmp.Or(scan(text), check(text)) }
	s.Form = func() keys.Object { return keys.Object{"type": "string", "pattern": pattern} }
	return s
}
