package main

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/harness/sut"
)

// sharedBy returns what the runs of a system share with each other, in words by a key
// that is the same for every system that shares it. Runs that share something are made
// one at a time: each would find the bookings of the other in its ledger. It is empty if
// the ledger is told apart by run.
func sharedBy(c sut.Config) map[string]string {
	all := map[string]string{}
	add := func(kind, text, words string) {
		if full, err := subject.Expand(text, nil); err == nil {
			text = full // two variables may have one value
		}
		all[kind+" "+text] = words
	}
	if s := c.Server; s != nil {
		switch {
		case s.Address != "" && !apart(c):
			add("address", s.Address, "the server at "+s.Address)
		case s.Exec != nil && s.Exec.Address != "":
			add("address", s.Exec.Address, "the address "+s.Exec.Address)
		}
		for name, text := range storage(s) {
			add("database", text, "the database in "+name+" of the server")
		}
	}
	if l := c.Ledger; l != nil {
		switch {
		case l.SQL != nil && !perRun(l.SQL.DSN):
			add("database", l.SQL.DSN, "the "+l.SQL.Driver+" database of the ledger")
		case l.Exec != nil && !slices.ContainsFunc(slices.Concat(l.Exec.Command, slices.Collect(maps.Values(l.Exec.Env))), perRun):
			add("program", strings.Join(l.Exec.Command, " "), "what the ledger program reads")
		}
	}
	return all
}

// perRun reports whether a text names something that each run has of its own: {{dir}},
// {{port}}, {{server}} or a container beside the server.
func perRun(text string) bool { return strings.Contains(text, "{{") }

// apart reports whether a ledger over HTTP lists the bookings of one run, and its accounts
// are those of one run.
func apart(c sut.Config) bool {
	if c.Ledger == nil || c.Ledger.HTTP == nil || c.Client == nil || c.Client.HTTP == nil {
		return false
	}
	const id = "run.id"
	l := c.Ledger.HTTP
	if !strings.Contains(strings.Join(append(slices.Collect(maps.Values(l.Headers)), l.URL, l.Path, l.Where), " "), id) {
		return false
	}
	return l.Balances == nil || slices.ContainsFunc(c.Client.HTTP.Setup, func(s sut.HTTPSetup) bool {
		return s.Account != "" || strings.Contains(s.Path+s.Body, id)
	})
}

// storage returns the URLs of databases in the environment of a server that are the same
// for every run, by their variables.
func storage(s *sut.Server) map[string]string {
	var env map[string]string
	beside := map[string]sut.Container{}
	switch {
	case s.Exec != nil:
		env = s.Exec.Env
	case s.Container != nil:
		env, beside = s.Container.Env, s.Container.Beside
	}
	all := map[string]string{}
	for name, text := range env {
		full, err := subject.Expand(text, nil)
		if err != nil {
			continue // it is of this run, or the run will not start
		}
		u, err := url.Parse(full)
		if err != nil || !slices.Contains([]string{"postgres", "postgresql", "mysql", "mariadb", "mongodb", "mongodb+srv", "sqlserver"}, u.Scheme) {
			continue
		}
		if _, own := beside[u.Hostname()]; !own {
			all[name] = text
		}
	}
	return all
}

// turns makes runs that share something wait for each other.
type turns struct {
	mu    sync.Mutex
	locks map[string]*sync.Mutex
}

// take waits until no other run shares what this one does. The caller calls done after
// the run.
func (t *turns) take(sc harness.Scenario) (done func()) {
	var held []*sync.Mutex
	for _, key := range slices.Sorted(maps.Keys(sharedBy(sc.Subject))) { // in one order, or two could wait for each other
		t.mu.Lock()
		if t.locks == nil {
			t.locks = map[string]*sync.Mutex{}
		}
		if t.locks[key] == nil {
			t.locks[key] = new(sync.Mutex)
		}
		lock := t.locks[key]
		t.mu.Unlock()
		lock.Lock()
		held = append(held, lock)
	}
	return func() {
		for _, lock := range held {
			lock.Unlock()
		}
	}
}

// together says in words which scenarios run one at a time and why, a line for each thing
// that they share.
func together(list []harness.Scenario) (lines []string) {
	names, words := map[string][]string{}, map[string]string{}
	for _, sc := range list {
		for key, what := range sharedBy(sc.Subject) {
			names[key] = append(names[key], sc.Name)
			words[key] = what
		}
	}
	for _, key := range slices.Sorted(maps.Keys(names)) {
		if len(names[key]) > 1 {
			lines = append(lines, fmt.Sprintf("%s share %s: they run one at a time", strings.Join(names[key], ", "), words[key]))
		}
	}
	return lines
}
