// Package files writes reports to files, so that a file never holds half a report.
//
// [Write] puts a report into a temporary file in the same folder and renames it when it is
// whole. Two kinds of paths are written to directly: devices and pipes, such as
// /dev/stdout, and the job summary of GitHub Actions, to which it appends.
package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Summary is the environment variable with the path of the job summary of a step in GitHub
// Actions. All programs of the step write to this one file, so each appends
// (docs.github.com, "Workflow commands for GitHub Actions", "Adding a job summary").
const Summary = "GITHUB_STEP_SUMMARY"

// SummaryLimit is the largest job summary of a step, in bytes. GitHub shows nothing of a
// larger one (actions/runner, FileCommandManager.cs: "supports content up to a size of
// 1024k").
const SummaryLimit = 1 << 20

// kind is how a path is written to.
type kind uint8

const (
	replaced kind = iota // by another file, which is renamed
	appended             // see Summary
	streamed             // a device or a pipe
)

func kindOf(path string) kind {
	if s := os.Getenv(Summary); s != "" && filepath.Clean(s) == filepath.Clean(path) {
		return appended
	}
	// /dev/stdout may lead to a regular file, which others write to, too.
	for _, dir := range []string{"/dev/", "/proc/"} {
		if strings.HasPrefix(filepath.ToSlash(filepath.Clean(path)), dir) {
			return streamed
		}
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return streamed
	}
	return replaced
}

// Replaced reports whether Write replaces what is at path. Then a preliminary report can
// be written there, too.
func Replaced(path string) bool { return kindOf(path) == replaced }

// Room returns how many bytes of the job summary are free, if path is that of the job
// summary, or SummaryLimit. It is at least 1.
func Room(path string) int {
	if info, err := os.Stat(path); err == nil && kindOf(path) == appended {
		return max(1, SummaryLimit-int(info.Size()))
	}
	return SummaryLimit
}

// Write writes a report to path, and makes its folder if there is none. If report or
// writing fails, the file is as it was before. An error names the path.
func Write(path string, report func(io.Writer) error) error {
	var b bytes.Buffer
	err := report(&b)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err == nil {
		switch kindOf(path) {
		case replaced:
			err = replace(path, b.Bytes())
		case appended:
			if b.Len() > Room(path) {
				err = fmt.Errorf("the job summary is full: GitHub shows nothing of one above %d bytes", SummaryLimit)
				break
			}
			fallthrough
		case streamed:
			err = add(path, b.Bytes())
		}
	}
	if err != nil {
		return fmt.Errorf("write report %s: %w", path, err)
	}
	return nil
}

// add appends to a file, a device or a pipe. If a regular file cannot take all of it, it
// takes nothing.
func add(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		_, err = f.Write(text)
	}
	if err != nil && info != nil && info.Mode().IsRegular() {
		err = errors.Join(err, f.Truncate(info.Size()))
	}
	return errors.Join(err, f.Close())
}

// replace replaces a file. A path that is a link stays one: the file it leads to is
// replaced. Where only the file itself may be written, as one that is mounted into a
// container, it is written in place.
func replace(path string, text []byte) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	err := rename(path, text)
	if errors.Is(err, syscall.EBUSY) || errors.Is(err, fs.ErrPermission) {
		if _, missing := os.Stat(path); missing == nil {
			return os.WriteFile(path, text, 0o644)
		}
	}
	return err
}

// rename writes text to a temporary file and gives it the name and mode of the file at path.
func rename(path string, text []byte) error {
	f, err := temporary(path)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if info, missing := os.Stat(path); missing == nil {
		err = errors.Join(err, f.Chmod(info.Mode().Perm()))
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// temporary makes a file for the text that will be at path.
func temporary(path string) (*os.File, error) {
	name := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d.tmp", filepath.Base(path), os.Getpid()))
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666) // less the umask
}

// Writable checks that Write can write to path, before the work whose result goes there. It
// makes the folder.
func Writable(path string) error {
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	info, missing := os.Stat(path)
	switch {
	case err != nil:
	case missing == nil && info.IsDir():
		err = errors.New("it is a folder")
	case kindOf(path) == streamed:
		return nil // a device or a pipe reports an error when it is written
	case missing == nil:
		var f *os.File
		if f, err = os.OpenFile(path, os.O_WRONLY, 0); err == nil {
			err = f.Close()
		}
	default:
		var f *os.File
		if f, err = temporary(path); err == nil {
			err = errors.Join(f.Close(), os.Remove(f.Name()))
		}
	}
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	return nil
}
