// Package postgrestest starts a PostgreSQL server of this machine for a test.
package postgrestest

import (
	"crypto/rand"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/testneeds"
)

// Server is a PostgreSQL server with one empty database.
type Server struct {
	Port     int
	Password string // of the user postgres
}

// DSN returns the data source name of the database at a host.
func (s Server) DSN(host string) string {
	return "postgres://postgres:" + s.Password + "@" + net.JoinHostPort(host, strconv.Itoa(s.Port)) + "/postgres?sslmode=disable"
}

// Start starts a server that listens on loopback and at the addresses given, and
// ends it with the test. Without PostgreSQL on the machine the test is skipped, and
// in CI it fails.
func Start(tb testing.TB, addresses ...string) Server {
	tb.Helper()
	bin := binaries(tb)
	dir, err := os.MkdirTemp("", "onebar-postgres-") //nolint:usetesting // a TempDir is closed to the user that the server runs as
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := Server{Password: rand.Text(), Port: freePort(tb)}
	secret, data := filepath.Join(dir, "password"), filepath.Join(dir, "data")
	require.NoError(tb, os.WriteFile(secret, []byte(s.Password), 0o600))
	who := nobody(tb)
	if who != nil {
		require.NoError(tb, os.Chown(dir, int(who.Uid), int(who.Gid)))
		require.NoError(tb, os.Chown(secret, int(who.Uid), int(who.Gid)))
	}
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(bin, name), args...) //nolint:noctx // ended below
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "LC_ALL=C")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who, Setpgid: true}
		return cmd
	}
	out, err := command("initdb", "-D", data, "-U", "postgres", "-A", "password", "--pwfile", secret, "--no-sync", "--no-instructions").CombinedOutput()
	require.NoError(tb, err, string(out))
	hba := "host all postgres 0.0.0.0/0 password\n"
	require.NoError(tb, os.WriteFile(filepath.Join(data, "pg_hba.conf"), []byte(hba), 0o600))
	log, err := os.Create(filepath.Join(dir, "log"))
	require.NoError(tb, err)
	server := command("postgres", "-D", data, "-p", strconv.Itoa(s.Port), "-k", "", "-F",
		"-c", "listen_addresses="+strings.Join(append(addresses, "127.0.0.1"), ","))
	server.Stdout, server.Stderr = log, log
	require.NoError(tb, server.Start())
	tb.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGQUIT) // PostgreSQL then ends at once, with its children
		_ = server.Wait()
		log.Close()
	})
	said := func() string {
		text, err := os.ReadFile(log.Name())
		require.NoError(tb, err)
		return string(text)
	}
	for begin := time.Now(); !strings.Contains(said(), "ready to accept connections"); time.Sleep(10 * time.Millisecond) {
		require.NotContains(tb, said(), "FATAL")
		require.Less(tb, time.Since(begin), 30*time.Second, said())
	}
	return s
}

// binaries returns the folder of the server's programs: Debian's are not on the
// path.
func binaries(tb testing.TB) string {
	tb.Helper()
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path)
		}
	}
	folders, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	require.NoError(tb, err)
	if len(folders) == 0 {
		testneeds.Missing(tb, "PostgreSQL is not installed")
	}
	return folders[len(folders)-1]
}

// nobody returns the user that the server runs as, which must not be root. Nil is the
// present user.
func nobody(tb testing.TB) *syscall.Credential {
	tb.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("nobody")
	require.NoError(tb, err)
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	require.NoError(tb, err)
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	require.NoError(tb, err)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func freePort(tb testing.TB) int {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	require.NoError(tb, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
