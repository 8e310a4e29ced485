package container

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"

	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/harness/sut"
)

// box is one container, which may be killed and started again.
type box struct {
	name    string
	config  sut.Container
	network string // empty is Docker's own
	base    string // folder of the scenario
	dir     string // of the run
	labels  map[string]string
	docker  *testcontainers.DockerClient

	container testcontainers.Container
	address   string // host:port of its port on loopback; empty if it has none
}

// start creates the container, starts it, and returns when it is ready.
func (b *box) start(ctx context.Context) error {
	request, err := b.request(ctx)
	if err != nil {
		return fmt.Errorf("container %s: %w", b.name, err)
	}
	bounded, cancel := context.WithTimeout(ctx, createWithin)
	defer cancel()
	b.container, err = testcontainers.GenericContainer(bounded, testcontainers.GenericContainerRequest{
		ContainerRequest: request, Logger: log.NewNoopLogger(),
	})
	if err != nil {
		return fmt.Errorf("create container %s: %w", b.name, err)
	}
	return b.again(ctx)
}

func (b *box) request(ctx context.Context) (r testcontainers.ContainerRequest, err error) {
	r = testcontainers.ContainerRequest{Image: b.config.Image, Labels: maps.Clone(b.labels), Env: map[string]string{}}
	if r.Cmd, err = subject.ExpandAll(b.config.Command, nil); err != nil {
		return r, err
	}
	for name, text := range b.config.Env {
		if r.Env[name], err = subject.Expand(text, nil); err != nil {
			return r, err
		}
	}
	if b.config.Build != "" {
		build := folder(b.base, b.config.Build)
		sum := sha256.Sum256([]byte(build + "\n" + b.config.Dockerfile))
		r.FromDockerfile = testcontainers.FromDockerfile{
			Context: build, Dockerfile: b.config.Dockerfile,
			Repo: "onebar-" + hex.EncodeToString(sum[:6]), Tag: "latest", KeepImage: true,
		}
	}
	if b.network != "" {
		r.Networks, r.NetworkAliases = []string{b.network}, map[string][]string{b.network: {b.name}}
	}
	binds, err := b.binds()
	if err != nil {
		return r, err
	}
	bindings := network.PortMap{}
	if b.config.Port > 0 {
		port, err := subject.FreePort(ctx)
		if err != nil {
			return r, err
		}
		inside := strconv.Itoa(b.config.Port) + "/tcp"
		r.ExposedPorts = []string{inside}
		bindings[network.MustParsePort(inside)] = []network.PortBinding{{HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: strconv.Itoa(port)}}
		b.address = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	}
	r.HostConfigModifier = func(h *container.HostConfig) {
		h.ExtraHosts = []string{"host.docker.internal:host-gateway"}
		h.Binds, h.PortBindings = binds, bindings
	}
	return r, nil
}

// binds returns the folders of this machine to mount in the container.
func (b *box) binds() ([]string, error) {
	var binds []string
	for inside, text := range b.config.Mounts {
		host, err := subject.Expand(text, map[string]string{"dir": b.dir})
		if err != nil {
			return nil, err
		}
		host = folder(b.base, host)
		if err := os.MkdirAll(host, 0o755); err != nil {
			return nil, fmt.Errorf("make the folder that is mounted: %w", err)
		}
		binds = append(binds, host+":"+inside)
	}
	return binds, nil
}

// proxyWithin is how long Docker's proxy of a port may take to notice that nothing
// listens behind it, and to close the connection that it has accepted.
const proxyWithin = 250 * time.Millisecond

// again starts the container, for the first time or after a crash, and returns when it
// is ready.
func (b *box) again(ctx context.Context) error {
	before := strings.Count(b.logs(ctx), b.config.Ready.Line)
	if _, err := b.docker.ContainerStart(ctx, b.container.GetContainerID(), client.ContainerStartOptions{}); err != nil {
		return fmt.Errorf("start container %s: %w", b.name, err)
	}
	if b.address == "" && b.config.Ready == (sut.Ready{}) {
		return nil // it has no port that could be probed
	}
	probe := subject.Probe{
		Ready: b.config.Ready, Address: b.address, Open: proxyWithin,
		Printed: func(text string) bool { return strings.Count(b.logs(ctx), text) > before },
		Died:    func() error { return b.died(ctx) },
		Said:    func() string { return lastLines(b.logs(ctx)) },
	}
	if err := probe.Await(ctx); err != nil {
		return fmt.Errorf("container %s is %w", b.name, err)
	}
	return nil
}

// died returns how the container ended, or nil while it runs.
func (b *box) died(ctx context.Context) error {
	if b.container == nil {
		return nil
	}
	state, err := b.container.State(ctx)
	if err != nil {
		return fmt.Errorf("ask for the state of container %s: %w", b.name, err)
	}
	if state.Running || state.Paused {
		return nil
	}
	how := fmt.Sprintf("exit status %d", state.ExitCode)
	if state.OOMKilled {
		how += ", out of memory"
	}
	return fmt.Errorf("container %s died by itself: %s; %s", b.name, how, lastLines(b.logs(ctx)))
}

func (b *box) kill(ctx context.Context) error {
	if err := b.unpause(ctx); err != nil { // Docker does not kill a paused container
		return err
	}
	if _, err := b.docker.ContainerKill(ctx, b.container.GetContainerID(), client.ContainerKillOptions{Signal: "KILL"}); err != nil {
		return fmt.Errorf("kill container %s: %w", b.name, err)
	}
	return nil
}

// paused reports whether the container runs, and is paused.
func (b *box) paused(ctx context.Context) (running, paused bool, err error) {
	state, err := b.container.State(ctx)
	if err != nil {
		return false, false, fmt.Errorf("ask for the state of container %s: %w", b.name, err)
	}
	return state.Running, state.Paused, nil
}

func (b *box) pause(ctx context.Context) error {
	if running, paused, err := b.paused(ctx); err != nil || !running || paused {
		return err
	}
	if _, err := b.docker.ContainerPause(ctx, b.container.GetContainerID(), client.ContainerPauseOptions{}); err != nil {
		return fmt.Errorf("pause container %s: %w", b.name, err)
	}
	return nil
}

func (b *box) unpause(ctx context.Context) error {
	if _, paused, err := b.paused(ctx); err != nil || !paused {
		return err
	}
	if _, err := b.docker.ContainerUnpause(ctx, b.container.GetContainerID(), client.ContainerUnpauseOptions{}); err != nil {
		return fmt.Errorf("unpause container %s: %w", b.name, err)
	}
	return nil
}

// remove keeps the log of the container and removes it.
func (b *box) remove(ctx context.Context) error {
	if b.container == nil {
		return nil
	}
	kept := os.WriteFile(filepath.Join(b.dir, b.name+".log"), []byte(b.logs(ctx)), 0o644)
	_, err := b.docker.ContainerRemove(ctx, b.container.GetContainerID(), client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if err != nil {
		err = fmt.Errorf("remove container %s: %w", b.name, err)
	}
	return errors.Join(kept, err)
}

// logs returns what the container has printed since it was created, or nothing.
func (b *box) logs(ctx context.Context) string {
	if b.container == nil {
		return ""
	}
	r, err := b.container.Logs(ctx)
	if err != nil {
		return ""
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		return ""
	}
	return string(text)
}
