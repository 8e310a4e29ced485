package outbox

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/serdes"
	"github.com/ncruces/go-sqlite3/vfs"
)

// placer is a file layer that can make a whole file: a power failure leaves all of
// it or nothing. It refuses with fs.ErrExist to replace a file.
type placer interface {
	Place(name string, content []byte) error
}

// placeImage makes the file of an empty queue if there is none, without running
// the schema: two syncs in place of nine. Its name is made durable by the first sync of
// the log (syncNames). Where the file cannot be made so, nothing is done, and
// whoever opens the queue makes the tables. That is also so if there is a log
// without a file, as SQLite would read it into the new one.
func placeImage(dsn string) error {
	name, layer, ok := fileOf(dsn)
	if !ok {
		return nil
	}
	var to placer = directory{}
	l := vfs.Find(layer)
	if layer != "" {
		if to, ok = l.(placer); !ok {
			return nil
		}
	}
	for _, suffix := range []string{"", "-wal", "-journal"} {
		if there, err := l.Access(name+suffix, vfs.ACCESS_EXISTS); there || err != nil {
			return nil //nolint:nilerr // whoever opens the file finds out
		}
	}
	content, err := image()
	if err != nil {
		return err
	}
	_ = to.Place(name, content) // if it cannot, whoever opens the file finds out
	return nil
}

// fileOf returns the file that a dsn names, and its file layer. It is not ok if
// the queue has no file or the dsn asks for more.
func fileOf(dsn string) (name, layer string, ok bool) {
	if !strings.HasPrefix(dsn, "file:") {
		return dsn, "", dsn != "" && !strings.HasPrefix(dsn, ":")
	}
	u, err := url.Parse(dsn)
	if err != nil || u.Path == "" || u.Host != "" {
		return "", "", false
	}
	q := u.Query()
	layer = q.Get("vfs")
	q.Del("vfs")
	return u.Path, layer, len(q) == 0
}

// image returns the content of an empty queue's file. It is the same for all of a
// process.
//
//nolint:gochecknoglobals // it never changes
var image = sync.OnceValues(func() (content []byte, err error) {
	c, err := sqlite3.Open(":memory:")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.Exec(pageSize + createTables()); err != nil {
		return nil, err
	}
	if content, err = serdes.Serialize(c, "main"); err != nil {
		return nil, err
	}
	const wal = 2 // https://sqlite.org/fileformat.html, "File format version numbers"
	content[18], content[19] = wal, wal
	return content, nil
})

// directory is the operating system's file layer.
type directory struct{}

// Place implements placer. A link, unlike a new name, never takes the place of a
// file that another program has made meanwhile.
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
