package container_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/harness/subject/container"
	"github.com/onebar/onebar/harness/sut"
	"github.com/onebar/onebar/harness/testneeds"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// engine makes sure of Docker: without it the test is skipped, and in CI it fails.
func engine(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	if out, err := exec.Command("docker", "version").CombinedOutput(); err != nil {
		testneeds.Missing(t, "Docker does not answer (%s)", out)
	}
}

// folder makes the folder of a scenario with the folder of a Dockerfile in it.
func folder(t *testing.T) string {
	t.Helper()
	base := t.TempDir()
	box := filepath.Join(base, "box")
	require.NoError(t, os.Mkdir(box, 0o755))
	build := exec.Command("go", "build", "-o", filepath.Join(box, "box"), "./testdata/box")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	t.Cleanup(func() { forget(t, box) })
	file := "FROM scratch\nCOPY box /box\nENTRYPOINT [\"/box\"]\n"
	require.NoError(t, os.WriteFile(filepath.Join(box, "Dockerfile"), []byte(file), 0o644))
	return base
}

// forget removes the image of a folder, which is kept for the next run and here
// there is none.
func forget(t *testing.T, folder string) {
	t.Helper()
	sum := sha256.Sum256([]byte(folder + "\n"))
	out, err := exec.Command("docker", "rmi", "--force", "onebar-"+hex.EncodeToString(sum[:6])+":latest").CombinedOutput()
	require.NoError(t, err, string(out))
}

// start starts a server, and ends it with the test.
func start(t *testing.T, base string, c sut.Container) (*container.Server, *subject.Env, string) {
	t.Helper()
	s := container.NewServer(c, base)
	env := &subject.Env{Dir: t.TempDir()} // outlives the server
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	address, err := s.Start(t.Context(), env)
	require.NoError(t, err)
	return s, env, address
}

func get(t *testing.T, address, path string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	res, err := client.Get("http://" + address + path)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(body)
}

// unanswered asks, and expects no answer within a moment.
func unanswered(t *testing.T, address, path string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 300 * time.Millisecond}
	res, err := client.Get("http://" + address + path)
	if err == nil {
		res.Body.Close()
	}
	require.Error(t, err)
}

// labelled returns the containers and networks of this process.
func labelled(t *testing.T, filter string) []string {
	t.Helper()
	var all []string
	for _, list := range [][]string{{"ps", "-aq"}, {"network", "ls", "-q"}} {
		out, err := exec.Command("docker", append(list, "--filter", "label="+filter)...).Output()
		require.NoError(t, err)
		all = append(all, strings.Fields(string(out))...)
	}
	return all
}

func TestLives(t *testing.T) {
	engine(t)
	base := folder(t)
	t.Setenv("ONEBAR_TEST_SECRET", "s3cret")
	config := sut.Container{
		Build: "box", Port: 8080, Command: []string{"-later", "200ms"},
		Env:    map[string]string{"KEY": "${ONEBAR_TEST_SECRET}!"},
		Mounts: map[string]string{"/state": "{{dir}}/state"},
		Ready:  sut.Ready{HTTP: "/lives"},
	}
	begin := time.Now()
	s, env, address := start(t, base, config)
	t.Logf("built and ready after %v", time.Since(begin))
	require.True(t, strings.HasPrefix(address, "127.0.0.1:"), "published on loopback only")
	require.Equal(t, "1", get(t, address, "/lives"))
	require.Equal(t, "s3cret!", get(t, address, "/env?name=KEY"))
	require.FileExists(t, filepath.Join(env.Dir, "state", "lives"))

	require.NoError(t, s.Crash())
	require.Error(t, s.Crash(), "it is down")
	require.NoError(t, s.Broke(), "it was told to")
	unanswered(t, address, "/lives")
	again, err := s.Restart(t.Context())
	require.NoError(t, err)
	require.Equal(t, address, again)
	require.Equal(t, "2", get(t, address, "/lives"), "ready is that of the second life")

	require.NoError(t, s.Freeze())
	unanswered(t, address, "/lives")
	require.NoError(t, s.Broke(), "it is only frozen")
	require.NoError(t, s.Thaw())
	require.Equal(t, "2", get(t, address, "/lives"))

	unanswered(t, address, "/exit?code=7")
	require.Eventually(t, func() bool { return s.Broke() != nil }, 10*time.Second, 10*time.Millisecond)
	require.ErrorContains(t, s.Broke(), "container server died by itself: exit status 7; its last lines: box begins | box is open")
	_, err = s.Restart(t.Context())
	require.NoError(t, err)
	require.Equal(t, "3", get(t, address, "/lives"))
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "a second Close")
	require.FileExists(t, filepath.Join(env.Dir, "server.log"))
}

func TestBeside(t *testing.T) {
	engine(t)
	box := sut.Container{Build: "box", Port: 8080}
	config := box
	config.Ready.Line = "box is open"
	behind := box
	behind.Env = map[string]string{"NAME": "behind"}
	config.Beside = map[string]sut.Container{"behind": behind, "deaf": {Build: "box", Command: []string{"-deaf"}}}
	begin := time.Now()
	s, env, address := start(t, folder(t), config)
	t.Logf("three built and ready after %v", time.Since(begin))
	require.Equal(t, "behind", get(t, address, "/fetch?url="+url.QueryEscape("http://behind:8080/env?name=NAME")))
	require.Len(t, env.Beside, 1, "one has a port")
	require.Equal(t, "behind", get(t, env.Beside["behind"], "/env?name=NAME"), "published for the ledger")

	begin = time.Now()
	require.NoError(t, s.Crash())
	require.Equal(t, "behind", get(t, env.Beside["behind"], "/env?name=NAME"), "it does not crash with the server")
	_, err := s.Restart(t.Context())
	require.NoError(t, err)
	t.Logf("killed, started and ready again after %v", time.Since(begin))
	require.Equal(t, "behind", get(t, address, "/fetch?url="+url.QueryEscape("http://behind:8080/env?name=NAME")))
	unanswered(t, env.Beside["behind"], "/exit?code=1")
	require.Eventually(t, func() bool { return s.Broke() != nil }, 10*time.Second, 10*time.Millisecond)
	require.ErrorContains(t, s.Broke(), "container behind died by itself: exit status 1")
	require.NotEmpty(t, labelled(t, "dev.onebar.pid="+pid()))
	require.NoError(t, s.Close())
	require.Empty(t, labelled(t, "dev.onebar.pid="+pid()))
}

func TestBad(t *testing.T) {
	engine(t)
	base := folder(t)
	require.NoError(t, os.WriteFile(filepath.Join(base, "box", "Wrong"), []byte("FROM scratch\nCOPY missing /\n"), 0o644))
	t.Run("all", func(t *testing.T) { bad(t, base) })
	require.Empty(t, labelled(t, "dev.onebar.pid="+pid()))
}

func bad(t *testing.T, base string) {
	t.Helper()
	soon := sut.Ready{Within: 500 * time.Millisecond}
	for name, tc := range map[string]struct {
		config sut.Container
		want   []string
	}{
		"dies at once":      {sut.Container{Build: "box", Command: []string{"-die"}}, []string{"container server is not ready: container server died by itself: exit status 3; its last lines: box begins | no database"}},
		"listens to nobody": {sut.Container{Build: "box", Command: []string{"-deaf"}, Ready: soon}, []string{"container server is not ready within 500ms", "its last lines: box begins"}},
		"other status":      {sut.Container{Build: "box", Ready: sut.Ready{HTTP: "/health", Within: soon.Within}}, []string{"GET /health answered 404 Not Found"}},
		"never says so":     {sut.Container{Build: "box", Ready: sut.Ready{Line: "listening", Within: soon.Within}}, []string{`it has printed no line with "listening"`}},
		"no Dockerfile":     {sut.Container{Build: "box", Dockerfile: "Missing"}, []string{"create container server", "Missing"}},
		"wrong Dockerfile":  {sut.Container{Build: "box", Dockerfile: "Wrong"}, []string{"create container server: ", "missing"}},
		"no such program":   {sut.Container{Build: "box", Env: map[string]string{"A": "${ONEBAR_TEST_NONE}"}}, []string{"container server: the environment has no variable ONEBAR_TEST_NONE"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.config.Port = 8080
			s, dir := container.NewServer(tc.config, base), t.TempDir()
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			_, err := s.Start(t.Context(), &subject.Env{Dir: dir})
			for _, want := range tc.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

// TestKilledOnebar kills a process of this test that has a server up, and sees the
// next one remove what it has left.
func TestKilledOnebar(t *testing.T) {
	if dir := os.Getenv("ONEBAR_TEST_VICTIM"); dir != "" {
		s := container.NewServer(sut.Container{Build: "box", Port: 8080, Beside: map[string]sut.Container{"b": {Build: "box"}}}, dir)
		_, err := s.Start(context.Background(), &subject.Env{Dir: dir})
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "up"), nil, 0o644))
		select {}
	}
	engine(t)
	base := folder(t)
	victim := exec.Command(os.Args[0], "-test.run", "^TestKilledOnebar$")
	victim.Env = append(os.Environ(), "ONEBAR_TEST_VICTIM="+base)
	require.NoError(t, victim.Start())
	label := "dev.onebar.pid=" + itoa(victim.Process.Pid)
	require.Eventually(t, func() bool { _, err := os.Stat(filepath.Join(base, "up")); return err == nil }, 30*time.Second, 10*time.Millisecond)
	require.Len(t, labelled(t, label), 3, "two containers and a network")
	_, _, _ = start(t, base, sut.Container{Build: "box", Port: 8080})
	require.Len(t, labelled(t, label), 3, "its owner lives")
	require.NoError(t, victim.Process.Kill())
	require.Error(t, victim.Wait())
	_, _, _ = start(t, base, sut.Container{Build: "box", Port: 8080})
	require.Empty(t, labelled(t, label))
}

func TestDockerAbsent(t *testing.T) {
	if os.Getenv("ONEBAR_TEST_ABSENT") == "" {
		// testcontainers remembers where Docker is: ask in a process of its own.
		cmd := exec.Command(os.Args[0], "-test.run", "^TestDockerAbsent$", "-test.v")
		cmd.Env = append(os.Environ(), "ONEBAR_TEST_ABSENT=1", "DOCKER_HOST=unix:///nowhere/docker.sock")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		require.Contains(t, string(out), "--- PASS")
		return
	}
	s := container.NewServer(sut.Container{Image: "shop", Port: 8080}, "")
	_, err := s.Start(t.Context(), &subject.Env{Dir: t.TempDir()})
	require.ErrorContains(t, err, "docker does not answer: ")
	require.ErrorContains(t, err, "start it, or run the server as a program")
	require.NoError(t, s.Close())
	_, err = s.Start(t.Context(), &subject.Env{})
	require.ErrorContains(t, err, "need a folder")
}

func itoa(n int) string { return strconv.Itoa(n) }

func pid() string { return itoa(os.Getpid()) }
