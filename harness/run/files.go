package run

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/onebar/onebar/harness/scratch"
)

// marker is the file that marks a folder as that of a run. It is locked during the run.
const marker = ".onebar"

// files are the open files of a run, or its history in memory.
type files struct {
	lock, history, log, pcap *os.File // pcap is nil unless asked for, and all are in memory
	memory                   *bytes.Buffer
	state                    string
}

func (f files) out() io.Writer {
	if f.memory != nil {
		return f.memory
	}
	return f.history
}

// written returns the history from its beginning.
func (f files) written() (io.Reader, error) {
	if f.memory != nil {
		return bytes.NewReader(f.memory.Bytes()), nil
	}
	_, err := f.history.Seek(0, io.SeekStart)
	return f.history, err
}

func (f files) name() string {
	if f.memory != nil {
		return ""
	}
	return f.history.Name()
}

// openFiles creates the files of a run in dir and overwrites those of an earlier run. It
// refuses a folder with other files, and one in which a run is under way. If dir is empty
// it creates no files.
func openFiles(dir string, capture bool) (files, error) {
	if dir == "" {
		return files{memory: new(bytes.Buffer)}, nil
	}
	f := files{state: filepath.Join(dir, "state")}
	if err := claim(dir); err != nil {
		return f, err
	}
	var err error
	open := func(name string) *os.File {
		var file *os.File
		if err == nil {
			file, err = create(filepath.Join(dir, name))
		}
		return file
	}
	if f.lock, err = os.OpenFile(filepath.Join(dir, marker), os.O_RDWR|os.O_CREATE, 0o644); err == nil {
		err = scratch.Lock(f.lock)
	}
	if errors.Is(err, scratch.ErrLocked) {
		f.close()
		return f, fmt.Errorf("another run is writing to %s: wait for its end, or choose another --out", dir)
	}
	if err == nil {
		err = errors.Join(os.RemoveAll(f.state), os.Mkdir(f.state, 0o755), remove(filepath.Join(dir, PcapFile)))
	}
	f.history, f.log = open(HistoryFile), open("run.log")
	if capture {
		f.pcap = open(PcapFile)
	}
	if err != nil {
		f.close()
		return f, fmt.Errorf("create the files of the run: %w", err)
	}
	return f, nil
}

// claim creates the folder of a run, or checks that it is one of an earlier run. Neither
// the folder nor its marker may be a symbolic link: others may have made it, to have
// files elsewhere overwritten.
func claim(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("create the output folder: %w", err)
	}
	if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("%s is a symbolic link and no folder: remove it, or choose another --out", dir)
	}
	switch info, err := os.Lstat(filepath.Join(dir, marker)); {
	case err == nil && info.Mode().IsRegular():
		return nil
	case err == nil:
		return fmt.Errorf("%s is no regular file, as onebar writes it: choose another --out", filepath.Join(dir, marker))
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read the output folder: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s holds files that no run of onebar has written, such as %s: choose another --out", dir, entries[0].Name())
	}
	return nil
}

// create creates a file anew. What has its name is removed, and not followed if it is a
// link.
func create(path string) (*os.File, error) {
	if err := remove(path); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
}

// remove removes a file if there is one.
func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (f files) close() {
	for _, file := range []*os.File{f.history, f.log, f.pcap, f.lock} {
		if file != nil {
			file.Close()
		}
	}
}
