package spec

import (
	"maps"
	"net"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// subjectClient is one of its keys, as are subjectServer and subjectLedger.
type subjectClient struct {
	place
	HTTP httpClient `yaml:"http" doc:"onebar pays over HTTP, as an app would"`
	Exec execClient `yaml:"exec" doc:"an external program that gets payment commands, see [exec-client.md](exec-client.md)"`
}

type subjectServer struct {
	place
	Address   verbatim   `yaml:"address" doc:"host:port of a server that is already running; TLS passes through untouched"`
	Exec      execServer `yaml:"exec" doc:"a program that onebar starts for the run and can crash"`
	Container container  `yaml:"container" doc:"a container that onebar starts for the run and can crash"`
}

type subjectLedger struct {
	place
	HTTP httpLedger `yaml:"http" doc:"an HTTP endpoint that lists the bookings"`
	Exec program    `yaml:"exec" doc:"a program that prints the ledger"`
	SQL  sqlLedger  `yaml:"sql" doc:"a query to a database"`
	None yes        `yaml:"none" doc:"true: the ledger cannot be read; checks that need it are n/a, and the report says so"`

	Quiet duration `yaml:"quiet" range:"0s..1h" doc:"the ledger is read again until it has not changed for this long, and judged then; at most settle is waited for that; 0s reads it once; without it 5s"`
}

// check reports what does not go together in the section. Its plain form is that of
// fill.
func (v *subject) check(d *decoder, engine word) {
	others := slices.DeleteFunc(givenOf(v), func(k string) bool { return k == "broken" || k == "terminate" })
	if len(others) == 0 {
		if v.Terminate.given() {
			d.errorf(v.Terminate.place, "terminate is for a system of others: the reference pair speaks no TLS")
		}
		return
	}
	if len(others) < 3 {
		d.errorf(v.place, "the subject has only %s; a system of others has client, server and ledger (none: true is a ledger that cannot be read)", strings.Join(others, " and "))
	}
	if len(v.Broken) > 0 {
		d.errorf(v.Broken[0].place, "broken does not go with client, server and ledger: only the reference pair has planted faults")
	}
	if engine.s == "sim" {
		d.errorf(engine.place, "engine sim is for the reference pair: programs of others run in real time; use packet or toxiproxy")
	}
	v.Client.check(d)
	v.Server.check(d)
	v.Ledger.check(d, slices.Sorted(maps.Keys(v.Server.Container.Beside.m)))
}

func (v *subjectClient) check(d *decoder) {
	switch oneKey(v) {
	case "http":
		v.HTTP.check(d)
	case "exec":
		v.Exec.check(d)
	}
}

func (v *subjectServer) check(d *decoder) {
	switch oneKey(v) {
	case "address":
		d.address(v.Address)
	case "exec":
		v.Exec.check(d)
	case "container":
		if !v.Container.Port.given() {
			d.errorf(v.Container.place, "container has no port: where the server listens in it")
		}
		v.Container.check(d)
	}
}

// check also takes the names of the containers beside the server.
func (v *subjectLedger) check(d *decoder, beside []string) {
	names := append([]string{"server", "dir"}, beside...)
	switch oneKey(v, "quiet") {
	case "http":
		v.HTTP.check(d)
	case "exec":
		v.Exec.check(d, names)
	case "sql":
		v.SQL.check(d, names)
	}
}

// oneKey returns the key that was given of a struct that has one, apart from those
// beside it.
func oneKey(v any, beside ...string) string {
	given := slices.DeleteFunc(givenOf(v), func(k string) bool { return slices.Contains(beside, k) })
	if len(given) == 1 {
		return given[0]
	}
	return ""
}

// givenOf returns the keys of the struct that v points to that were given.
func givenOf(v any) []string {
	s := reflect.ValueOf(v).Elem()
	var given []string
	for _, k := range keysOf(s.Type()) {
		field := s.FieldByIndex(k.index)
		if g, ok := reflect.TypeAssert[interface{ given() bool }](field.Addr()); ok && g.given() || !ok && field.Len() > 0 {
			given = append(given, k.name)
		}
	}
	return given
}

// address reports what is not a host:port.
func (d *decoder) address(v verbatim) {
	if !v.ok {
		return
	}
	host, port, err := net.SplitHostPort(v.s)
	n, wrong := strconv.Atoi(port)
	if err != nil || wrong != nil || host == "" || n < 1 || n > 65535 {
		d.errorf(v.place, "address %q is not host:port; expected one such as 127.0.0.1:8080", v.s)
	}
}
