package scratch_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/scratch"
)

// TestMain makes a folder and waits if this process is the one that is to be killed.
func TestMain(m *testing.M) {
	if place := os.Getenv("SCRATCH_PLACE"); place != "" {
		f, err := scratch.Make(place)
		if err != nil {
			panic(err)
		}
		defer func() { _ = f.Remove() }() // the folder is in use until this process is killed
		fmt.Fprintln(os.Stdout, f.Path)
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	m.Run()
}

// start starts a process that makes a folder, and returns the folder.
func start(t *testing.T, place string) (kill func(), folder string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "SCRATCH_PLACE="+place)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	_, err = cmd.StdinPipe() // it waits for the end of it, which never comes
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return func() {
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait() // it was killed
	}, line[:len(line)-1]
}

func TestSweep(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs flock")
	}
	place := t.TempDir()
	killDead, dead := start(t, place)
	killAlive, alive := start(t, place)
	defer killAlive()
	require.NoError(t, os.WriteFile(filepath.Join(dead, "disk"), nil, 0o600))
	mine, err := scratch.Make(place)
	require.NoError(t, err)
	require.DirExists(t, dead, "its process lives")
	killDead()

	// What only looks like a folder of scratch.
	other := filepath.Join(place, "other")
	require.NoError(t, os.Mkdir(other, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(other, "lock"), nil, 0o600))
	require.NoError(t, os.Symlink(other, filepath.Join(place, "onebar-scratch-link")))
	require.NoError(t, os.MkdirAll(filepath.Join(place, "onebar-scratch-new"), 0o700))

	scratch.Sweep(place)
	require.NoDirExists(t, filepath.Dir(dead))
	require.DirExists(t, alive)
	require.DirExists(t, mine.Path)
	require.FileExists(t, filepath.Join(other, "lock"))
	require.DirExists(t, filepath.Join(place, "onebar-scratch-new"))

	require.NoError(t, mine.Remove())
	require.NoDirExists(t, filepath.Dir(mine.Path))
}

// The first folder of a process sweeps its place.
func TestMakeSweeps(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs flock")
	}
	place := t.TempDir()
	kill, left := start(t, place)
	kill()
	f, err := scratch.Make(place)
	require.NoError(t, err)
	require.NoDirExists(t, left)
	require.NoError(t, f.Remove())
	_, err = scratch.Make(filepath.Join(place, "nowhere"))
	require.ErrorContains(t, err, "make a scratch folder")
}

// A process that sweeps a place does not remove the folder that another one is making there.
func TestSweepWhileAFolderIsMade(t *testing.T) {
	place := t.TempDir()
	quit := make(chan struct{})
	var sweeping sync.WaitGroup
	for range 2 {
		sweeping.Go(func() {
			for {
				select {
				case <-quit:
					return
				default:
					scratch.Sweep(place)
				}
			}
		})
	}
	for range 500 {
		f, err := scratch.Make(place)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(f.Path, "file"), nil, 0o600))
		require.NoError(t, f.Remove())
	}
	close(quit)
	sweeping.Wait()
}
