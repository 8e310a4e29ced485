package disk_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/disk"
)

// TestFates: what is not synced is kept in some runs and lost in others.
func TestFates(t *testing.T) {
	outcomes := map[string]int{}
	for seed := range uint64(400) {
		d := disk.New()
		old, err := d.Open("/old", true)
		require.NoError(t, err)
		_, err = old.WriteAt(bytes.Repeat([]byte("o"), 2*disk.SectorSize), 0)
		require.NoError(t, err)
		require.NoError(t, old.Sync())
		require.NoError(t, d.SyncDir("/"))
		_, err = old.WriteAt(bytes.Repeat([]byte("n"), 3*disk.SectorSize), 0)
		require.NoError(t, err)
		_, err = d.Open("/created", true)
		require.NoError(t, err)
		d.PowerFail(seed)
		_, err = d.Open("/old", false)
		require.ErrorIs(t, err, disk.ErrNoPower)
		d.Revive()
		if slices.Contains(d.Names(), "/created") {
			outcomes["created"]++
		}
		f, err := d.Open("/old", false)
		require.NoError(t, err)
		data := contents(t, f)
		sectors := fmt.Sprintf("%c%c", data[0], data[disk.SectorSize])
		require.Contains(t, []string{"oo", "on", "no", "nn"}, sectors)
		outcomes[sectors]++
		switch {
		case len(data) == 2*disk.SectorSize:
			outcomes["short"]++
		case data[2*disk.SectorSize] == 'n':
			outcomes["grown"]++
		case bytes.Count(data[2*disk.SectorSize:], []byte{0}) == disk.SectorSize:
			outcomes["grown over zeros"]++
		default:
			outcomes["grown over garbage"]++
		}
	}
	t.Log(outcomes)
	for _, o := range []string{"created", "oo", "on", "no", "nn", "short", "grown", "grown over zeros", "grown over garbage"} {
		require.Greater(t, outcomes[o], 4, o)
	}
}

// TestSameSeedSameFate: a power failure is repeated by its seed.
func TestSameSeedSameFate(t *testing.T) {
	left := func() string {
		d := disk.New()
		text := ""
		for i := range 20 {
			name := fmt.Sprint("/", i)
			f, err := d.Open(name, true)
			require.NoError(t, err)
			_, err = f.WriteAt(bytes.Repeat([]byte{byte(i)}, 3000), int64(i))
			require.NoError(t, err)
		}
		d.PowerFail(9)
		d.Revive()
		for _, name := range d.Names() {
			f, err := d.Open(name, false)
			require.NoError(t, err)
			text += fmt.Sprintf("%s %x\n", name, contents(t, f))
		}
		return text
	}
	require.NotEmpty(t, left())
	require.Equal(t, left(), left())
}

// TestRenameIsAtomic: the usual way to replace a file, with and without its
// syncs.
func TestRenameIsAtomic(t *testing.T) {
	replace := func(seed uint64, syncFile, syncDir bool) string {
		d := disk.New()
		put := func(name, text string) *disk.File {
			f, err := d.Open(name, true)
			require.NoError(t, err)
			_, err = f.WriteAt([]byte(text), 0)
			require.NoError(t, err)
			return f
		}
		require.NoError(t, put("/config", "old").Sync())
		require.NoError(t, d.SyncDir("/"))
		f := put("/config.new", "new")
		if syncFile {
			require.NoError(t, f.Sync())
		}
		require.NoError(t, d.Rename("/config.new", "/config"))
		if syncDir {
			require.NoError(t, d.SyncDir("/"))
		}
		d.PowerFail(seed)
		d.Revive()
		f, err := d.Open("/config", false)
		require.NoError(t, err, "there is always one of them")
		return string(contents(t, f))
	}
	for _, tt := range []struct {
		file, dir bool
		want      []string
	}{
		{true, true, []string{"new"}},
		{true, false, []string{"new", "old"}},
		{false, true, []string{"", "new"}},
	} {
		seen := map[string]bool{}
		for seed := range uint64(100) {
			got := replace(seed, tt.file, tt.dir)
			if len(got) == 3 && got != "new" && got != "old" {
				got = "" // grown, but not written
			}
			seen[got] = true
		}
		require.Equal(t, tt.want, slices.Sorted(maps.Keys(seen)), "%+v", tt)
	}
}

// TestLoseAll: the worst power failure keeps what was synced and nothing else, of every
// file and of each disk of a group.
func TestLoseAll(t *testing.T) {
	for name, cut := range map[string]func(g *disk.Group){
		"of a disk":  func(g *disk.Group) { g.Disk(0).PowerFail(disk.LoseAll); g.Disk(1).PowerFail(disk.LoseAll) },
		"of a group": func(g *disk.Group) { g.PowerFail(disk.LoseAll) },
		"at a point": func(g *disk.Group) {
			g.FailAt(disk.Point{Kind: disk.SyncDir, N: 3}, disk.LoseAll)
			require.ErrorIs(t, g.Disk(0).SyncDir("/"), disk.ErrNoPower)
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := disk.NewGroup()
			for i := range 2 {
				d := g.Disk(i)
				f, err := d.Open("/f", true)
				require.NoError(t, err)
				_, err = f.WriteAt([]byte("synced"), 0)
				require.NoError(t, err)
				require.NoError(t, f.Sync())
				require.NoError(t, d.SyncDir("/"))
				_, err = f.WriteAt(bytes.Repeat([]byte("lost"), 5000), 0)
				require.NoError(t, err)
				_, err = d.Open("/new", true)
				require.NoError(t, err)
			}
			cut(g)
			for i := range 2 {
				d := g.Disk(i)
				d.Revive()
				require.Equal(t, []string{"/f"}, d.Names())
				f, err := d.Open("/f", false)
				require.NoError(t, err)
				require.Equal(t, "synced", string(contents(t, f)))
			}
		})
	}
}

// TestPoints: the power fails at the operation that was named, and at no other.
func TestPoints(t *testing.T) {
	use := func(d *disk.Disk) (done []string, err error) {
		var f *disk.File
		for _, o := range []struct {
			name string
			do   func() error
		}{
			{"create", func() error { f, err = d.Open("/f", true); return err }},
			{"write", func() error { _, err := f.WriteAt([]byte("text"), 0); return err }},
			{"truncate", func() error { return f.Truncate(2) }},
			{"sync", func() error { return f.Sync() }},
			{"sync of a directory", func() error { return d.SyncDir("/") }},
			{"rename", func() error { return d.Rename("/f", "/g") }},
			{"remove", func() error { return d.Remove("/g") }},
		} {
			if err := o.do(); err != nil {
				return done, err
			}
			done = append(done, o.name)
		}
		return done, nil
	}
	d := disk.New()
	all, err := use(d)
	require.NoError(t, err)
	require.EqualValues(t, len(all), d.Count(disk.Any))
	for k := disk.Write; k <= disk.SyncDir; k++ {
		if k == disk.LogSync {
			continue
		}
		require.EqualValues(t, 1, d.Count(k), k)
		require.Contains(t, all, k.String())
		for _, after := range []bool{false, true} {
			d := disk.New()
			told := 0
			d.OnFail(func() {
				told++
				require.True(t, d.Off(), "it may use the disk")
			})
			d.FailAt(disk.Point{Kind: k, N: 1, After: after}, 1)
			done, err := use(d)
			require.ErrorIs(t, err, disk.ErrNoPower)
			require.Len(t, done, slices.Index(all, k.String()))
			require.Equal(t, 1, told)
			d.PowerFail(2)
			require.Equal(t, 1, told, "it has no power to lose")
			_, err = use(d)
			require.ErrorIs(t, err, disk.ErrNoPower)
		}
	}
	for i := range all {
		d := disk.New()
		d.FailAt(disk.Point{N: int64(i + 1)}, 1)
		done, err := use(d)
		require.ErrorIs(t, err, disk.ErrNoPower)
		require.Len(t, done, i)
	}
}

// TestAfter: a sync that is over when the power fails has synced.
func TestAfter(t *testing.T) {
	for _, after := range []bool{false, true} {
		kept := 0
		for seed := range uint64(50) {
			d := disk.New()
			d.FailAt(disk.Point{Kind: disk.SyncDir, N: 1, After: after}, seed)
			_, err := d.Open("/f", true)
			require.NoError(t, err)
			require.ErrorIs(t, d.SyncDir("/"), disk.ErrNoPower)
			d.Revive()
			kept += len(d.Names())
		}
		if after {
			require.Equal(t, 50, kept)
		} else {
			require.Greater(t, kept, 5)
			require.Less(t, kept, 45)
		}
	}
}

// TestOldHandles: what was open before a power failure stays dead.
func TestOldHandles(t *testing.T) {
	d := disk.New()
	f, err := d.Open("/f", true)
	require.NoError(t, err)
	require.NoError(t, d.SyncDir("/"))
	d.PowerFail(1)
	d.Revive()
	require.False(t, d.Off())
	_, err = f.WriteAt([]byte("x"), 0)
	require.ErrorIs(t, err, disk.ErrNoPower)
	_, err = f.ReadAt(make([]byte, 1), 0)
	require.ErrorIs(t, err, disk.ErrNoPower)
	require.ErrorIs(t, f.Truncate(1), disk.ErrNoPower)
	require.ErrorIs(t, f.Sync(), disk.ErrNoPower)
	require.NoError(t, f.Close())
	_, err = d.Open("/f", false)
	require.NoError(t, err)
}
