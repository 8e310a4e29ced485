package container

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// The labels of the containers and networks that a onebar process started.
const (
	homeLabel  = "dev.onebar.home"  // the machine and namespace in which its process id is valid
	pidLabel   = "dev.onebar.pid"   // its process
	startLabel = "dev.onebar.start" // when that process began: process ids are reused
)

// owner is the onebar process that started a container or network.
type owner struct{ home, pid, start string }

// ownLabels returns the labels of this process.
func ownLabels() (map[string]string, error) {
	start, err := startOf(os.Getpid())
	if err != nil {
		return nil, fmt.Errorf("find out when onebar was started: %w", err)
	}
	return map[string]string{homeLabel: thisHome(), pidLabel: strconv.Itoa(os.Getpid()), startLabel: start}, nil
}

// thisHome names this machine, its present boot, and the process namespace of onebar:
// one Docker may serve several of each.
func thisHome() string {
	host, _ := os.Hostname()
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	space, _ := os.Readlink("/proc/self/ns/pid")
	sum := sha256.Sum256([]byte(host + "\n" + string(boot) + "\n" + space))
	return hex.EncodeToString(sum[:8])
}

// startOf returns when a process began, in the kernel's clock ticks since the boot, on
// systems that have /proc. The error is os.ErrNotExist if there is no such process.
func startOf(pid int) (string, error) {
	if runtime.GOOS != "linux" {
		p, err := os.FindProcess(pid)
		if err == nil {
			err = p.Signal(syscall.Signal(0))
		}
		if errors.Is(err, os.ErrProcessDone) {
			err = os.ErrNotExist
		}
		return "", err
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", err
	}
	// proc(5): field 22, and the second is a name in parentheses that may hold
	// spaces.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 20 {
		return "", errors.New("the process has no start time")
	}
	if fields[0] == "Z" {
		return "", os.ErrNotExist
	}
	return fields[19], nil
}

// gone reports whether the owner is a process of this home that has certainly ended.
func (o owner) gone(home string) bool {
	pid, err := strconv.Atoi(o.pid)
	if err != nil || o.home != home {
		return false
	}
	start, err := startOf(pid)
	if errors.Is(err, os.ErrNotExist) {
		return true
	}
	return err == nil && start != o.start
}

// sweep removes the containers and networks of owners that are gone.
func sweep(ctx context.Context, docker *testcontainers.DockerClient, home string) error {
	ours := client.Filters{}.Add("label", homeLabel+"="+home)
	containers, err := docker.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: ours})
	if err != nil {
		return err
	}
	of := func(l map[string]string) owner { return owner{l[homeLabel], l[pidLabel], l[startLabel]} }
	for _, c := range containers.Items {
		if of(c.Labels).gone(home) {
			// Another onebar may be removing it, too.
			_, _ = docker.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		}
	}
	networks, err := docker.NetworkList(ctx, client.NetworkListOptions{Filters: ours})
	if err != nil {
		return err
	}
	for _, n := range networks.Items {
		if of(n.Labels).gone(home) {
			_, _ = docker.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{})
		}
	}
	return nil
}
