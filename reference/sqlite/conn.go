package sqlite

import (
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"
)

// conn is one connection with its prepared statements. Only one goroutine uses
// it.
type conn struct {
	c     *sqlite3.Conn
	stmts map[string]*sqlite3.Stmt
}

// close closes the connection. A crash would not copy the log into the database,
// and neither does close if crash is set.
func (c *conn) close(crash bool) error {
	var errs []error
	if crash {
		_, err := c.c.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, true)
		errs = append(errs, err)
	}
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.c.Close())...)
}

func (c *conn) prepare(sql string) (*sqlite3.Stmt, error) {
	if s := c.stmts[sql]; s != nil {
		return s, nil
	}
	s, _, err := c.c.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
	if err == nil {
		c.stmts[sql] = s
	}
	return s, err
}

// ErrStop ends a Query early when its row function returns it, without an error.
var ErrStop = errors.New("no more rows are wanted")

func (c *conn) query(sql string, row func(Row) error, args ...any) error {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	for i, a := range args {
		if err = bind(s, i+1, a); err != nil {
			break
		}
	}
	for err == nil && s.Step() {
		if row != nil {
			err = row(Row{s})
		}
	}
	if reset := s.Reset(); err == nil {
		err = reset
	}
	if errors.Is(err, ErrStop) {
		return nil
	}
	return err // the arguments stay until the next ones: there are as many for the same text
}

// pragma returns the first column of the first row of a PRAGMA.
func (c *conn) pragma(text string) (value string, err error) {
	err = c.query("PRAGMA "+text, func(r Row) error {
		value = r.Text(0)
		return ErrStop
	})
	return value, err
}

func bind(s *sqlite3.Stmt, i int, a any) error {
	switch v := a.(type) {
	case int64:
		return s.BindInt64(i, v)
	case int:
		return s.BindInt(i, v)
	case bool:
		return s.BindBool(i, v)
	case string:
		return s.BindText(i, v)
	case []byte:
		if v == nil {
			return s.BindNull(i)
		}
		return s.BindBlob(i, v)
	}
	return fmt.Errorf("cannot store a %T", a)
}

// Row is a row of a result, valid until the row function returns. Columns count
// from 0. What its methods return stays valid.
type Row struct{ s *sqlite3.Stmt }

// Int returns an integer, and 0 for NULL.
func (r Row) Int(i int) int64 { return r.s.ColumnInt64(i) }

// Bool returns whether an integer is not 0.
func (r Row) Bool(i int) bool { return r.s.ColumnBool(i) }

// Text returns a text, and nothing for NULL.
func (r Row) Text(i int) string { return r.s.ColumnText(i) }

// Blob returns bytes, and nil for NULL.
func (r Row) Blob(i int) []byte { return r.s.ColumnBlob(i, nil) }

// Fill copies bytes to to and returns how many there are in the column.
func (r Row) Fill(to []byte, i int) int {
	b := r.s.ColumnRawBlob(i)
	copy(to, b)
	return len(b)
}

// Tx is a transaction, valid until the function it was given to returns. It is
// for one goroutine.
type Tx struct {
	c    *conn
	view bool
}

// Query runs one statement with its arguments (int64, int, bool, string, []byte;
// a nil []byte is NULL) and calls row for each row of the result; row may be nil.
// An error of row ends the query and is returned, but [ErrStop]. The statement is
// prepared once for all calls with this text, so row must not run the same one.
func (tx *Tx) Query(sql string, row func(Row) error, args ...any) error {
	if tx.view {
		s, err := tx.c.prepare(sql)
		if err != nil {
			return err
		}
		if !s.ReadOnly() {
			return errors.New("a View changes nothing: use Update")
		}
	}
	return tx.c.query(sql, row, args...)
}

// Exec is Query without rows. It returns how many rows the statement changed.
func (tx *Tx) Exec(sql string, args ...any) (changed int64, err error) {
	err = tx.Query(sql, nil, args...)
	return tx.c.c.Changes(), err
}

// LastInsertID is the rowid of the row that was inserted last.
func (tx *Tx) LastInsertID() int64 { return tx.c.c.LastInsertRowID() }
