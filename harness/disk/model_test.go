package disk_test

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness/disk"
)

// model is a file system without failures, said as shortly as possible.
type model map[string]*content

type content struct{ data []byte }

func (c *content) truncate(n int64) {
	if n <= int64(len(c.data)) {
		c.data = c.data[:n:n]
	} else {
		c.data = append(c.data, make([]byte, n-int64(len(c.data)))...)
	}
}

func (c *content) write(p []byte, off int64) {
	if len(p) == 0 {
		return
	}
	if end := off + int64(len(p)); end > int64(len(c.data)) {
		c.truncate(end)
	}
	copy(c.data[off:], p)
}

// handle is a file open on both sides.
type handle struct {
	file *disk.File
	want *content
}

// machine drives a disk and the model with the same operations.
type machine struct {
	disk  *disk.Disk
	files model
	open  []handle
}

var fileNames = []string{"/a", "/b", "/dir/a", "/dir/b"}

func (m *machine) step(t *rapid.T) {
	name := rapid.SampledFrom(fileNames).Draw(t, "name")
	switch what := rapid.SampledFrom([]string{"open", "remove", "rename", "sync dir", "write", "write", "write", "truncate", "sync"}).Draw(t, "what"); what {
	case "open":
		m.openFile(t, name, rapid.Bool().Draw(t, "create"))
	case "remove":
		m.remove(t, name)
	case "rename":
		to := rapid.SampledFrom(fileNames).Draw(t, "to")
		err := m.disk.Rename(name, to)
		if c := m.files[name]; path.Dir(name) != path.Dir(to) {
			require.ErrorContains(t, err, "stays in its directory")
		} else if c == nil {
			require.ErrorIs(t, err, fs.ErrNotExist)
		} else {
			require.NoError(t, err)
			delete(m.files, name)
			m.files[to] = c
		}
	case "sync dir":
		require.NoError(t, m.disk.SyncDir(rapid.SampledFrom([]string{"/", "/dir"}).Draw(t, "dir")))
	default:
		if len(m.open) > 0 {
			m.use(t, what, m.open[rapid.IntRange(0, len(m.open)-1).Draw(t, "file")])
		}
	}
}

func (m *machine) openFile(t *rapid.T, name string, create bool) {
	f, err := m.disk.Open(name, create)
	if m.files[name] == nil {
		if !create {
			require.ErrorIs(t, err, fs.ErrNotExist)
			return
		}
		m.files[name] = &content{}
	}
	require.NoError(t, err)
	m.open = append(m.open, handle{f, m.files[name]})
}

func (m *machine) remove(t *rapid.T, name string) {
	err := m.disk.Remove(name)
	if m.files[name] == nil {
		require.ErrorIs(t, err, fs.ErrNotExist)
		return
	}
	require.NoError(t, err)
	delete(m.files, name)
}

func (m *machine) use(t *rapid.T, what string, h handle) {
	at := rapid.Int64Range(0, 5*disk.SectorSize).Draw(t, "at")
	switch what {
	case "write":
		p := bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, rapid.IntRange(0, 3*disk.SectorSize).Draw(t, "length"))
		n, err := h.file.WriteAt(p, at)
		require.NoError(t, err)
		require.Len(t, p, n)
		h.want.write(p, at)
	case "truncate":
		require.NoError(t, h.file.Truncate(at))
		h.want.truncate(at)
	case "sync":
		require.NoError(t, h.file.Sync())
	}
}

// check compares everything that can be seen.
func (m *machine) check(t require.TestingT) {
	require.Equal(t, slices.Sorted(maps.Keys(m.files)), m.disk.Names())
	for _, h := range m.open {
		require.Equal(t, string(h.want.data), string(contents(t, h.file)))
	}
}

// contents reads a file.
func contents(t require.TestingT, f *disk.File) []byte {
	size, err := f.Size()
	require.NoError(t, err)
	got, err := io.ReadAll(io.NewSectionReader(f, 0, size+1))
	require.NoError(t, err)
	require.Len(t, got, int(size))
	return got
}

// agree is the property: a disk without failures is a file system, and what was
// synced survives one.
func agree(t *rapid.T) {
	d := disk.New()
	m := &machine{disk: d, files: model{}}
	for range rapid.IntRange(0, 60).Draw(t, "steps") {
		m.step(t)
	}
	m.check(t)
	if rapid.Bool().Draw(t, "sync all") {
		for _, h := range m.open {
			require.NoError(t, h.file.Sync())
		}
		require.NoError(t, d.SyncDir("/"))
		require.NoError(t, d.SyncDir("/dir"))
		d.PowerFail(rapid.Uint64().Draw(t, "seed"))
		for _, h := range m.open {
			_, err := h.file.Size()
			require.ErrorIs(t, err, disk.ErrNoPower)
		}
		d.Revive()
		m.open = nil
		for name := range m.files {
			f, err := d.Open(name, false)
			require.NoError(t, err)
			m.open = append(m.open, handle{f, m.files[name]})
		}
		m.check(t)
	}
}

func TestAgreesWithAModel(t *testing.T) { rapid.Check(t, agree) }

func FuzzAgreesWithAModel(f *testing.F) { f.Fuzz(rapid.MakeFuzz(agree)) }

// TestSurvivors: after a power failure each sector has a content that it had
// since its last sync, or none if it was never synced, and the size one of those
// it had.
func TestSurvivors(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := disk.New()
		f, err := d.Open("/f", true)
		require.NoError(t, err)
		require.NoError(t, d.SyncDir("/"))
		var now content
		sizes := map[int64]bool{0: true}
		sectors := map[int64]map[string]bool{}
		note := func() {
			sizes[int64(len(now.data))] = true
			for at := int64(0); at < int64(len(now.data)); at += disk.SectorSize {
				if sectors[at] == nil {
					sectors[at] = map[string]bool{}
				}
				s := make([]byte, disk.SectorSize)
				copy(s, now.data[at:])
				sectors[at][string(s)] = true
			}
		}
		synced := int64(0)
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			at := rapid.Int64Range(0, 6*disk.SectorSize).Draw(t, "at")
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				require.NoError(t, f.Sync())
				clear(sizes)
				clear(sectors)
				synced = int64(len(now.data))
			case 1:
				require.NoError(t, f.Truncate(at))
				now.truncate(at)
			default:
				p := bytes.Repeat([]byte{rapid.ByteRange(1, 255).Draw(t, "byte")}, rapid.IntRange(1, 2*disk.SectorSize).Draw(t, "length"))
				_, err := f.WriteAt(p, at)
				require.NoError(t, err)
				now.write(p, at)
			}
			note()
		}
		d.PowerFail(rapid.Uint64().Draw(t, "seed"))
		d.Revive()
		f, err = d.Open("/f", false)
		require.NoError(t, err)
		got := contents(t, f)
		require.Contains(t, sizes, int64(len(got)))
		for at := int64(0); at < int64(len(got)); at += disk.SectorSize {
			if at >= synced {
				continue // it may be anything
			}
			s := got[at:min(at+disk.SectorSize, int64(len(got)))]
			possible := slices.ContainsFunc(slices.Collect(maps.Keys(sectors[at])), func(c string) bool {
				return c[:len(s)] == string(s)
			})
			require.True(t, possible, "sector at %d: %x", at, s[:4])
		}
	})
}

// TestWildOffsets are errors, not the end of the memory.
func TestWildOffsets(t *testing.T) {
	f, err := disk.New().Open("/f", true)
	require.NoError(t, err)
	for _, off := range []int64{-1, 1 << 31, 1<<63 - 1} {
		_, err := f.WriteAt([]byte("x"), off)
		require.ErrorContains(t, err, "1 GiB")
		require.ErrorContains(t, f.Truncate(off), "1 GiB")
		n, err := f.ReadAt(make([]byte, 1), off)
		require.Error(t, err)
		require.Zero(t, n)
	}
}

// BenchmarkWrite is a page of SQLite's, synced every tenth time.
func BenchmarkWrite(b *testing.B) {
	f, err := disk.New().Open("/f", true)
	require.NoError(b, err)
	page := make([]byte, 4096)
	b.ReportAllocs()
	for i := range b.N {
		_, _ = f.WriteAt(page, int64(i%1000)*4096)
		if i%10 == 9 {
			_ = f.Sync()
		}
	}
}
