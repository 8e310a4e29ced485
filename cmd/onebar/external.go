package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/harness/subject/container"
	"github.com/onebar/onebar/harness/subject/database"
	"github.com/onebar/onebar/harness/subject/httpapi"
	"github.com/onebar/onebar/harness/subject/httpapi/transport"
	"github.com/onebar/onebar/harness/subject/program"
	"github.com/onebar/onebar/harness/sut"
)

// isExternal reports whether a scenario tests an external system, and not the reference
// pair.
func isExternal(sc harness.Scenario) bool {
	s := sc.Subject
	return s.Client != nil || s.Server != nil || s.Ledger != nil
}

// external returns the external system that a scenario describes.
func external(sc harness.Scenario) (harness.Subject, error) {
	p, err := partsOf(sc)
	if err != nil {
		return nil, err
	}
	return subject.New(p), nil
}

// partsOf returns the parts of an external system.
func partsOf(sc harness.Scenario) (subject.Parts, error) {
	s := sc.Subject
	if s.Client == nil || s.Server == nil || s.Ledger == nil {
		return subject.Parts{}, errors.New("an external system needs client, server and ledger")
	}
	base, err := filepath.Abs(filepath.Dir(sc.File))
	if err != nil {
		return subject.Parts{}, fmt.Errorf("find the folder of the scenario: %w", err)
	}
	client, err1 := clientOf(*s.Client, base)
	server, err2 := serverOf(*s.Server, base)
	ledger, err3 := ledgerOf(*s.Ledger, base)
	between, err4 := terminationOf(s.Terminate, base)
	return subject.Parts{Client: client, Server: server, Ledger: ledger, TLS: between, Quiet: s.Ledger.QuietFor()}, errors.Join(err1, err2, err3, err4)
}

// terminationOf returns what terminates the clients' TLS, or nil.
func terminationOf(c *sut.Terminate, base string) (*subject.Termination, error) {
	if c == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	from := func(file string) string {
		if filepath.IsAbs(file) {
			return file
		}
		return filepath.Join(base, file)
	}
	shown, err := tls.LoadX509KeyPair(from(c.Certificate), from(c.Key))
	if err != nil {
		return nil, fmt.Errorf("terminate: %w", err)
	}
	upstream, err := transport.Trust(&c.Upstream, base)
	if err != nil {
		return nil, fmt.Errorf("terminate: upstream: %w", err)
	}
	return subject.NewTermination(shown, upstream), nil
}

func clientOf(c sut.Client, base string) (subject.Client, error) {
	switch {
	case c.HTTP != nil:
		return httpapi.NewClient(*c.HTTP, base), nil
	case c.Exec != nil:
		return program.NewClient(*c.Exec, base), nil
	}
	return nil, errors.New("this onebar does not know the kind of the subject's client: expected http or exec")
}

func serverOf(c sut.Server, base string) (subject.Server, error) {
	switch {
	case c.Address != "":
		return subject.AddressServer(c.Address), nil
	case c.Exec != nil:
		return program.NewServer(*c.Exec, base), nil
	case c.Container != nil:
		return container.NewServer(*c.Container, base), nil
	}
	return nil, errors.New("this onebar does not know the kind of the subject's server: expected address, exec or container")
}

func ledgerOf(c sut.Ledger, base string) (subject.Ledger, error) {
	switch {
	case c.HTTP != nil:
		return httpapi.NewLedger(*c.HTTP, base), nil
	case c.Exec != nil:
		return program.NewLedger(*c.Exec, base), nil
	case c.SQL != nil:
		return database.NewLedger(*c.SQL), nil
	case c.None:
		return subject.NoLedger{}, nil
	}
	return nil, errors.New("this onebar does not know the kind of the subject's ledger: expected http, exec, sql or none")
}
