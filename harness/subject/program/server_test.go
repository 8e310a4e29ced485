package program

import (
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/sut"
)

func served(env map[string]string) sut.ExecServer {
	e := map[string]string{"ONEBAR_TEST_ROLE": "server", "LIVES": "{{dir}}/lives"}
	maps.Copy(e, env)
	return sut.ExecServer{Program: sut.Program{Command: []string{os.Args[0], "127.0.0.1:{{port}}"}, Env: e}}
}

func lives(t *testing.T, address string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: waitLimit}
	res, err := client.Get("http://" + address + "/lives")
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(text)
}

func TestServer(t *testing.T) {
	for name, ready := range map[string]sut.Ready{
		"a connection": {}, "an answer": {HTTP: "/lives"}, "another status": {HTTP: "/health", Status: 404}, "a line": {Line: "for business"},
	} {
		t.Run(name, func(t *testing.T) {
			c := served(nil)
			c.Ready = ready
			s := NewServer(c, t.TempDir())
			env, _ := newEnv(t, 1)
			address, err := s.Start(t.Context(), env)
			require.NoError(t, err)
			defer func() { require.NoError(t, s.Close()) }()
			require.Equal(t, "1", lives(t, address))
			require.NoError(t, s.Crash())
			require.NoError(t, s.Broke(), "it was told to")
			_, err = net.Dial("tcp", address)
			require.Error(t, err)
			again, err := s.Restart(t.Context())
			require.NoError(t, err)
			require.Equal(t, address, again)
			require.Equal(t, "2", lives(t, address))
			require.NoError(t, s.Freeze())
			require.NoError(t, s.Thaw())
			require.Equal(t, "2", lives(t, address))
		})
	}
}

func TestServerDiesByItself(t *testing.T) {
	s := NewServer(served(nil), t.TempDir())
	env, _ := newEnv(t, 1)
	address, err := s.Start(t.Context(), env)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	require.NoError(t, s.Broke())
	_, err = http.Get("http://" + address + "/exit") //nolint:bodyclose // there is none
	require.Error(t, err)
	require.Eventually(t, func() bool { return s.Broke() != nil }, waitLimit, time.Millisecond)
	require.NoError(t, s.Crash(), "it can be killed all the same")
	_, err = s.Restart(t.Context())
	require.NoError(t, err)
	require.EqualError(t, s.Broke(), "the server died by itself: exit status 3; its last lines: open for business", "and what it did is not forgotten")
}

func TestServerBad(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	sh := func(script string) sut.ExecServer {
		return sut.ExecServer{Program: sut.Program{Command: []string{"/bin/sh", "-c", script}}, Ready: sut.Ready{Within: 200 * time.Millisecond}}
	}
	missing := served(map[string]string{"KEY": "${ONEBAR_TEST_NONE}"})
	fixed := served(nil)
	fixed.Address = taken.Addr().String()
	other := served(nil)
	other.Ready = sut.Ready{HTTP: "/nothing", Within: 300 * time.Millisecond}
	for name, tc := range map[string]struct {
		config sut.ExecServer
		want   string
	}{
		"dies at once":     {sh("echo no database >&2; exit 3"), "not ready: the server died by itself: exit status 3; its last lines: no database"},
		"ends at once":     {sh("exit 0"), "not ready: the server died by itself: exit status 0; it printed nothing"},
		"never ready":      {sh("echo loading; sleep 100"), "connection refused; its last lines: loading"},
		"answers no":       {other, "not ready within 300ms: GET /nothing answered 404 Not Found; its last lines: open for business"},
		"is not there":     {sut.ExecServer{Program: sut.Program{Command: []string{"./missing"}}}, "start the server: fork/exec ./missing: no such file or directory"},
		"a taken port":     {fixed, "the server cannot listen at " + taken.Addr().String() + ": "},
		"a missing secret": {missing, "the server: the environment has no variable ONEBAR_TEST_NONE"},
		"an unknown word":  {sh("{{prot}}"), "{{prot}} is not defined here"},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewServer(tc.config, t.TempDir())
			env, _ := newEnv(t, 1)
			_, err := s.Start(t.Context(), env)
			require.ErrorContains(t, err, tc.want)
			require.NoError(t, s.Close())
		})
	}
	env, _ := newEnv(t, 1)
	env.Dir = ""
	_, err = NewServer(served(nil), "").Start(t.Context(), env)
	require.ErrorContains(t, err, "need a folder")
}

func TestServerFolder(t *testing.T) {
	base := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(base, "app"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(base, "app", "run"), []byte("#!/bin/sh\npwd\nexit 1\n"), 0o755))
	c := sut.ExecServer{Program: sut.Program{Command: []string{"./run"}, Dir: "app"}}
	s := NewServer(c, base)
	env, _ := newEnv(t, 1)
	_, err := s.Start(t.Context(), env)
	require.ErrorContains(t, err, filepath.Join(base, "app"))
	require.NoError(t, s.Close())
	require.FileExists(t, filepath.Join(env.Dir, "server.log"))
}
