package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/serdes"
	"github.com/ncruces/go-sqlite3/vfs"
)

// placer is a file layer that can create a complete file: a power failure leaves all of it
// or nothing. It does not replace a file: that is fs.ErrExist.
type placer interface {
	Place(name string, content []byte) error
	SyncDir(name string) error // makes the names in a directory durable
}

// place creates the file of an empty store if there is none, without running the schema:
// that takes three syncs instead of nine. If it cannot, it does nothing, and open creates
// the tables. It does nothing, too, if there is a log without a file, because SQLite would
// read the log into the new file.
func (cfg *Config) place() (placed bool, err error) {
	var to placer = directory{}
	l := vfs.Find(cfg.VFS)
	if cfg.VFS != "" {
		var ok bool
		if to, ok = l.(placer); !ok {
			return false, nil
		}
	}
	for _, suffix := range []string{"", "-wal", "-journal"} {
		if there, err := l.Access(cfg.Path+suffix, vfs.ACCESS_EXISTS); there || err != nil {
			return false, nil //nolint:nilerr // open finds out
		}
	}
	content, err := cfg.image()
	if err != nil {
		return false, err
	}
	if to.Place(cfg.Path, content) != nil {
		return false, nil //nolint:nilerr // open finds out
	}
	return true, to.SyncDir(filepath.Dir(cfg.Path))
}

// createTables returns the statements that create the tables of a new file.
func (cfg *Config) createTables() string {
	return fmt.Sprintf("BEGIN IMMEDIATE; %s; %s; PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
		strings.TrimRight(cfg.Schema, "; \n"), voided, cfg.Application, cfg.Version)
}

// images holds the content of an empty file for each schema and its settings. All stores of
// a process share it.
//
//nolint:gochecknoglobals // its entries never change
var images sync.Map

// image returns the content of an empty store's file.
func (cfg *Config) image() (content []byte, err error) {
	key := [2]string{cfg.Settings, cfg.createTables()}
	if known, ok := images.Load(key); ok {
		return known.([]byte), nil
	}
	c, err := sqlite3.Open(":memory:")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.Exec(cfg.Settings + ";" + key[1]); err != nil {
		return nil, err
	}
	if content, err = serdes.Serialize(c, "main"); err != nil {
		return nil, err
	}
	const wal = 2 // https://sqlite.org/fileformat.html, "File format version numbers"
	content[18], content[19] = wal, wal
	images.Store(key, content)
	return content, nil
}

// directory is the operating system's file layer.
type directory struct{}

// SyncDir implements placer.
func (directory) SyncDir(name string) error { return SyncDir(name) }

// Place implements placer. It uses link and not rename, because link never replaces a file
// that another program has created meanwhile.
func (directory) Place(name string, content []byte) (err error) {
	part, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.part")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(part.Name())) }()
	_, err = part.Write(content)
	if err == nil {
		err = part.Sync()
	}
	if err = errors.Join(err, part.Close()); err != nil {
		return err
	}
	err = os.Link(part.Name(), name)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}
