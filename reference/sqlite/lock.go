package sqlite

import (
	"errors"
	"fmt"
	"io"

	"github.com/ncruces/go-sqlite3"
)

// Lock locks a path against other programs that lock it, until the lock is closed. On every
// system, SQLite's lock ends with the process. The error is ErrLocked if another program
// has the lock.
func Lock(path string) (io.Closer, error) {
	if err := private(&Config{Path: path, Create: true, Exclusive: true}); err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	c, err := sqlite3.Open(uri(path, ""))
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	err = c.Exec("PRAGMA busy_timeout=0; PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE") // writes nothing
	if errors.Is(err, sqlite3.BUSY) {
		err = ErrLocked
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), c.Close())
	}
	return c, nil
}
