package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs/memdb"
)

// Reader reads what was committed when it was opened, even while another program writes the
// file, or after that program was killed. It is for one goroutine.
type Reader struct {
	Tx

	closed func() error
}

// Attach opens a file that is not locked by its owner. Of cfg it uses Path, VFS,
// Kind, Application, Version, Schema and Check. It never changes what the file
// holds, but it makes the index of a log, and recovers a log that a crash left.
// While it is open the log only grows. If the file cannot be opened that
// way because it is read-only, Attach is TakeSnapshot. The caller closes the reader.
func Attach(cfg Config) (*Reader, error) {
	// Not read-only: after a crash even a reader has to recover the log.
	r, err := attach(uri(cfg.Path, cfg.VFS), &cfg)
	if err != nil && cfg.VFS == "" && (errors.Is(err, sqlite3.READONLY) || errors.Is(err, sqlite3.CANTOPEN)) {
		return TakeSnapshot(cfg)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", cfg.Kind, cfg.Path, err)
	}
	if cfg.VFS == "" && runtime.GOOS != "windows" {
		_ = os.Chmod(cfg.Path+"-shm", 0o600) // SQLite made it readable by all, if nobody had; the owner's file stays as it is
	}
	return r, nil
}

func attach(uri string, cfg *Config) (*Reader, error) {
	sc, err := sqlite3.OpenFlags(uri, sqlite3.OPEN_READWRITE|sqlite3.OPEN_URI)
	if err != nil {
		return nil, err
	}
	c := &conn{c: sc, stmts: map[string]*sqlite3.Stmt{}}
	err = guard(func() error {
		err := c.c.Exec(fmt.Sprintf("PRAGMA busy_timeout=%d; PRAGMA cell_size_check=ON; PRAGMA query_only=ON; BEGIN; SELECT count(*) FROM sqlite_schema", busyTimeout))
		if err != nil {
			return err
		}
		fresh, err := c.identify(cfg)
		if err == nil && fresh {
			err = fmt.Errorf("%w: there is no %s in the file", fs.ErrNotExist, cfg.Kind)
		}
		if err == nil {
			err = c.examine(cfg)
		}
		return err
	})
	// Close as after a crash: otherwise the last connection that closes would copy the log
	// into the database.
	r := &Reader{Tx: Tx{c: c, view: true}, closed: func() error { return c.close(true) }}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// TakeSnapshot copies a file of this machine and its log into memory and reads
// the copy. It takes no lock and writes nothing, so it works on a read-only
// disk and while another program has locked the file. Of cfg it uses what Attach uses,
// except VFS. The caller closes the reader.
func TakeSnapshot(cfg Config) (*Reader, error) {
	data, err := image(cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", cfg.Kind, cfg.Path, err)
	}
	name := fmt.Sprint("onebar-snapshot-", snapshots.Add(1))
	memdb.Create(name, data)
	defer memdb.Delete(name) // the connection keeps it
	r, err := attach("file:/"+name+"?vfs=memdb", &cfg)
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", cfg.Kind, cfg.Path, err)
	}
	return r, nil
}

// snapshots numbers the snapshots of this process: memdb has one table of names.
var snapshots atomic.Int64 //nolint:gochecknoglobals // memdb's names are global

// Close ends the reader.
func (r *Reader) Close() error { return r.closed() }

// snapshotAttempts bounds how often a file is copied again because it changed meanwhile.
const snapshotAttempts = 20

// image returns the database in the file with its log applied, both from one moment.
//
// A writer only appends to its log. It changes the file only when it copies the log into
// it, and it restarts the log only after that. So if the file is the same before and after
// the log was read, and the log has the same beginning before and after, both are from one
// moment.
func image(path string) ([]byte, error) {
	before, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for range snapshotAttempts {
		log, err := readLog(path + "-wal")
		if err != nil && !errors.Is(err, errLogBegunAnew) {
			return nil, err
		}
		after, err2 := os.ReadFile(path)
		if err2 != nil {
			return nil, err2
		}
		if err == nil && string(before) == string(after) {
			return applyLog(after, log), nil
		}
		before = after
	}
	return nil, errors.New("it is being written without a pause: try again")
}

var errLogBegunAnew = errors.New("the log was begun anew")

// readLog returns the content of a log, or nothing if there is none.
func readLog(path string) ([]byte, error) {
	log, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	again, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, errLogBegunAnew
		}
		return nil, err
	}
	defer again.Close()
	head := make([]byte, walHeader)
	n, _ := again.ReadAt(head, 0) // bytes that cannot be read count as different
	if string(head[:n]) != string(log[:min(len(log), walHeader)]) {
		return nil, errLogBegunAnew
	}
	return log, nil
}
