package program

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/harness/sut"
)

// Server is a payment server that is a program. It is a subject.Server, a
// subject.Crasher, a harness.Breaker and a subject.Freezer.
type Server struct {
	config sut.ExecServer
	base   string // folder of the scenario

	mu      sync.Mutex
	start   Config
	address string
	process *Process
	broke   error // how an earlier process died by itself, or nil
}

// NewServer returns a server that has not been started. Relative folders are relative
// to base.
func NewServer(c sut.ExecServer, base string) *Server {
	return &Server{config: c, base: base}
}

// Start implements subject.Server.
func (s *Server) Start(ctx context.Context, env *subject.Env) (string, error) {
	dir, err := stateDir(env)
	if err != nil {
		return "", err
	}
	port, err := subject.FreePort(ctx)
	if err != nil {
		return "", err
	}
	words := map[string]string{"port": strconv.Itoa(port), "dir": dir}
	s.address = cmp.Or(s.config.Address, net.JoinHostPort("127.0.0.1", words["port"]))
	s.start, err = configOf("the server", s.config.Program, s.base, words)
	if err != nil {
		return "", err
	}
	s.start.LogFile = filepath.Join(dir, "server.log")
	return s.Restart(ctx)
}

// Restart implements subject.Crasher.
func (s *Server) Restart(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if subject.Taken(ctx, s.address) {
		return "", fmt.Errorf("the server cannot listen at %s: another process listens there; end that process, or give the server another port by {{port}}", s.address)
	}
	p, err := Start(s.start)
	if err != nil {
		return "", err
	}
	s.process = p
	probe := subject.Probe{Ready: s.config.Ready, Address: s.address, Printed: p.Printed, Died: p.Died, Said: p.LastLines}
	return s.address, probe.Await(ctx)
}

// Crash implements subject.Crasher.
func (s *Server) Crash() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return errors.New("it has not been started")
	}
	s.broke = cmp.Or(s.broke, s.process.Died())
	s.process.Kill()
	return nil
}

// Freeze implements subject.Freezer.
func (s *Server) Freeze() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process.Freeze()
}

// Thaw implements subject.Freezer.
func (s *Server) Thaw() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process.Thaw()
}

// Broke implements harness.Breaker.
func (s *Server) Broke() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broke == nil && s.process != nil {
		s.broke = s.process.Died()
	}
	return s.broke
}

// Close implements subject.Server.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.process.Kill()
	}
	return nil
}

// stateDir returns the absolute path of the folder of a run.
func stateDir(env *subject.Env) (string, error) {
	if env.Dir == "" {
		return "", errors.New("external programs need a folder for the run: set Env.Dir")
	}
	return filepath.Abs(env.Dir)
}

// configOf returns the Config of a program of a scenario.
func configOf(name string, c sut.Program, base string, words map[string]string) (Config, error) {
	command, wrong := subject.ExpandAll(c.Command, words)
	env := os.Environ()
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		value, err := subject.Expand(c.Env[name], words)
		wrong = errors.Join(wrong, err)
		env = append(env, name+"="+value)
	}
	if wrong != nil {
		return Config{}, fmt.Errorf("%s: %w", name, wrong)
	}
	return Config{Name: name, Command: command, Env: env, Dir: folder(base, c.Dir)}, nil
}

// folder returns the path of a folder that a scenario names. A relative dir is relative
// to base, the folder of the scenario.
func folder(base, dir string) string {
	if filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(base, dir)
}
