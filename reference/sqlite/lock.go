package sqlite

import (
	"errors"
	"fmt"
	"io"

	"github.com/ncruces/go-sqlite3"
)

// Lock keeps other programs that lock the same path out until the lock is
// closed. SQLite's lock goes away with the process on every system. An error is
// ErrLocked if another program has it.
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
