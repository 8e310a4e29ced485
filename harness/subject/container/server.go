// Package container runs an external payment server in a container, and other
// containers that the server needs. It is the only package that knows
// testcontainers, and through it Docker.
//
// Ports are published on loopback only. A published port stays the same when its
// container is restarted. A container reaches this machine under the name
// host.docker.internal. A run removes at its end what it has started. If onebar is
// killed, the next run that starts a container removes what was left behind, see
// [owner].
package container

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
	"github.com/testcontainers/testcontainers-go/network"

	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/harness/sut"
)

// Server is a payment server in a container. It is a subject.Server, a
// subject.Crasher, a subject.Freezer and a harness.Breaker.
type Server struct {
	config sut.Container
	base   string // folder of the scenario

	mu      sync.Mutex
	docker  *testcontainers.DockerClient
	labels  map[string]string
	network *testcontainers.DockerNetwork // nil if the server is the only container
	beside  []*box
	server  *box
	down    bool  // crashed, and not started again
	broke   error // how the container ended by itself before a restart
}

// NewServer returns a server that has not been started. Relative folders are relative
// to base.
func NewServer(c sut.Container, base string) *Server {
	return &Server{config: c, base: base}
}

// The time limits for Docker.
const (
	createWithin = 10 * time.Minute // it may have to pull or build an image
	askWithin    = 30 * time.Second
)

// Start implements subject.Server.
func (s *Server) Start(ctx context.Context, env *subject.Env) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if env.Dir == "" {
		return "", errors.New("containers need a folder for the run: set Env.Dir")
	}
	if err := s.connect(ctx); err != nil {
		return "", err
	}
	dir, err := filepath.Abs(env.Dir)
	if err != nil {
		return "", err
	}
	networks := ""
	if len(s.config.Beside) > 0 {
		if s.network, err = network.New(ctx, network.WithLabels(s.labels)); err != nil {
			return "", fmt.Errorf("make a network: %w", err)
		}
		networks = s.network.Name
	}
	env.Beside = map[string]string{}
	boxOf := func(name string, c sut.Container) *box {
		return &box{name: name, config: c, network: networks, base: s.base, dir: dir, labels: s.labels, docker: s.docker}
	}
	for _, name := range slices.Sorted(maps.Keys(s.config.Beside)) {
		s.beside = append(s.beside, boxOf(name, s.config.Beside[name]))
	}
	if err := s.startBeside(ctx); err != nil {
		return "", err
	}
	for _, b := range s.beside {
		if b.address != "" {
			env.Beside[b.name] = b.address
		}
	}
	s.server = boxOf("server", s.config)
	err = s.server.start(ctx)
	return s.server.address, err
}

func (s *Server) startBeside(ctx context.Context) error {
	errs := make([]error, len(s.beside))
	var all sync.WaitGroup
	for i, b := range s.beside {
		all.Go(func() { errs[i] = b.start(ctx) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// connect connects to Docker, and removes what killed onebar processes left behind.
func (s *Server) connect(ctx context.Context) error {
	for name, value := range map[string]string{
		"TESTCONTAINERS_RYUK_DISABLED": "true",      // it would need an image; package container removes what is left behind itself
		"TESTCONTAINERS_HOST_OVERRIDE": "127.0.0.1", // where ports are published
	} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	quiet()
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	err := meant(ctx)
	if err == nil {
		s.docker, err = testcontainers.NewDockerClientWithOpts(ctx)
	}
	if err == nil {
		err = sweep(ctx, s.docker, thisHome())
	}
	if err != nil {
		return fmt.Errorf("docker does not answer: %w; start it, or run the server as a program", err)
	}
	s.labels, err = ownLabels()
	return err
}

// meant returns an error if DOCKER_HOST names a Docker that does not answer:
// testcontainers would then look for another one.
func meant(ctx context.Context) error {
	if os.Getenv("DOCKER_HOST") == "" {
		return nil
	}
	c, err := client.New(client.FromEnv)
	if err != nil {
		return err
	}
	_, err = c.Ping(ctx, client.PingOptions{})
	return errors.Join(err, c.Close())
}

// quiet makes testcontainers print nothing: the process has one logger for it.
var quiet = sync.OnceFunc(func() { log.SetDefault(log.NewNoopLogger()) }) //nolint:gochecknoglobals // once a process

// Crash implements subject.Crasher. The other containers keep running.
func (s *Server) Crash() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil || s.down {
		return errors.New("it is not running")
	}
	ctx, cancel := context.WithTimeout(context.Background(), askWithin)
	defer cancel()
	if died := s.server.died(ctx); died != nil {
		s.broke = errors.Join(s.broke, died)
	} else if err := s.server.kill(ctx); err != nil {
		return err
	}
	s.down = true
	return nil
}

// Restart implements subject.Crasher.
func (s *Server) Restart(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = false
	return s.server.address, s.server.again(ctx)
}

// Freeze implements subject.Freezer: it pauses the container.
func (s *Server) Freeze() error {
	return s.ask(func(ctx context.Context) error { return s.server.pause(ctx) })
}

// Thaw implements subject.Freezer.
func (s *Server) Thaw() error {
	return s.ask(func(ctx context.Context) error { return s.server.unpause(ctx) })
}

// ask calls do with a time limit.
func (s *Server) ask(do func(context.Context) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), askWithin)
	defer cancel()
	return do(ctx)
}

// Broke implements harness.Breaker.
func (s *Server) Broke() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), askWithin)
	defer cancel()
	all := slices.Clone(s.beside)
	if s.server != nil && !s.down {
		all = append(all, s.server)
	}
	errs := []error{s.broke}
	for _, b := range all {
		errs = append(errs, b.died(ctx))
	}
	return errors.Join(errs...)
}

// Close implements subject.Server: it keeps the logs, and removes everything else.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.docker == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), askWithin)
	defer cancel()
	all := s.beside
	if s.server != nil {
		all = append([]*box{s.server}, all...)
	}
	var errs []error
	for _, b := range all {
		errs = append(errs, b.remove(ctx))
	}
	if s.network != nil {
		errs = append(errs, s.network.Remove(ctx))
	}
	errs = append(errs, s.docker.Close())
	s.docker = nil
	return errors.Join(errs...)
}

// folder returns the path of a folder that a scenario names. A relative dir is relative
// to base, the folder of the scenario.
func folder(base, dir string) string {
	if filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(base, dir)
}

func lastLines(log string) string {
	const most = 5
	lines := strings.Split(strings.TrimSpace(log), "\n")
	if lines[0] == "" && len(lines) == 1 {
		return "it printed nothing"
	}
	return "its last lines: " + strings.Join(lines[max(0, len(lines)-most):], " | ")
}
