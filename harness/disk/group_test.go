package disk_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/disk"
)

// put writes a file, and syncs nothing.
func put(t *testing.T, d *disk.Disk, name, text string) *disk.File {
	t.Helper()
	f, err := d.Open(name, true)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte(text), 0)
	require.NoError(t, err)
	return f
}

func read(t *testing.T, d *disk.Disk, name string) string {
	t.Helper()
	f, err := d.Open(name, false)
	require.NoError(t, err)
	return string(contents(t, f))
}

// TestGroupCountsTogether: the power of all fails at an operation that is counted
// over all disks, and OnFail is called once.
func TestGroupCountsTogether(t *testing.T) {
	for n := int64(1); n <= 6; n++ {
		g := disk.NewGroup()
		told := 0
		g.OnFail(func() { told++ })
		g.FailAt(disk.Point{Kind: disk.Write, N: n}, 1)
		done := int64(0)
		for i := range int64(6) {
			f, err := g.Disk(int(i%3)).Open("/f", true)
			if err != nil {
				require.ErrorIs(t, err, disk.ErrNoPower)
				break
			}
			if _, err = f.WriteAt([]byte("x"), i); err != nil {
				require.ErrorIs(t, err, disk.ErrNoPower)
				break
			}
			done++
		}
		require.Equal(t, n-1, done)
		require.Equal(t, n, g.Count(disk.Write))
		for i := range 3 {
			require.True(t, g.Disk(i).Off() || n < 3 && int(n) <= i, "disk %d", i)
		}
		require.EqualValues(t, 1, g.Failures())
		require.Equal(t, 1, told)
		require.NoError(t, g.Close())
	}
}

// TestOneOfAGroup: a disk fails alone, and its own operations are counted apart.
func TestOneOfAGroup(t *testing.T) {
	g := disk.NewGroup()
	here, there := g.Disk(0), g.Disk(1)
	put(t, here, "/f", "a")
	put(t, there, "/f", "b")
	require.EqualValues(t, 2, here.Count(disk.Any))
	require.EqualValues(t, 4, g.Count(disk.Any))
	told, all := 0, 0
	here.OnFail(func() { told++ })
	g.OnFail(func() { all++ })
	here.FailAt(disk.Point{N: 3}, 1)
	put(t, there, "/f", "c")
	require.False(t, here.Off())
	require.ErrorIs(t, here.Remove("/f"), disk.ErrNoPower)
	require.True(t, here.Off())
	require.True(t, g.Off())
	require.False(t, there.Off())
	require.Equal(t, "c", read(t, there, "/f"))
	require.Zero(t, g.Failures())
	require.Equal(t, []int{1, 0}, []int{told, all})
	g.PowerFail(1)
	require.True(t, there.Off())
	require.EqualValues(t, 1, here.Failures(), "it had none to lose")
	require.EqualValues(t, 1, g.Failures())
	require.Equal(t, []int{1, 1}, []int{told, all})
}

// TestGroupFatesDiffer: in one power failure one disk keeps what another loses.
func TestGroupFatesDiffer(t *testing.T) {
	kept := map[string]int{}
	for seed := range uint64(100) {
		g := disk.NewGroup()
		for i := range 2 {
			put(t, g.Disk(i), "/f", "x")
		}
		g.PowerFail(seed)
		kept[fmt.Sprint(len(g.Disk(0).Names()), len(g.Disk(1).Names()))]++
	}
	t.Log(kept)
	for _, k := range []string{"0 0", "0 1", "1 0", "1 1"} {
		require.Greater(t, kept[k], 4, k)
	}
}

// TestRestore: a copy is what programs saw, whole and durable, and shares nothing
// with its source.
func TestRestore(t *testing.T) {
	big := string(bytes.Repeat([]byte("big"), 20_000))
	g := disk.NewGroup()
	phone, backup := g.Disk(0), disk.New()
	put(t, phone, "/queue", big)
	put(t, phone, "/log", "one")
	backup.Restore(phone)
	require.False(t, phone.Off())
	require.True(t, backup.Off())
	backup.Revive()
	open := put(t, phone, "/log", "two")
	require.NoError(t, phone.Remove("/queue"))
	put(t, phone, "/new", "new")
	phone.Restore(backup)
	_, err := open.WriteAt([]byte("late"), 0)
	require.ErrorIs(t, err, disk.ErrNoPower)
	for seed := range uint64(20) {
		phone.PowerFail(seed)
		phone.Revive()
		require.Equal(t, []string{"/log", "/queue"}, phone.Names())
		require.Equal(t, "one", read(t, phone, "/log"))
		require.Equal(t, big, read(t, phone, "/queue"))
	}
	put(t, phone, "/log", "333")
	require.Equal(t, "one", read(t, backup, "/log"))
}

// TestPlace: whenever the power fails, a placed file is whole or not there, and it
// can be placed after that.
func TestPlace(t *testing.T) {
	content := bytes.Repeat([]byte("content"), 1000)
	place := func(d *disk.Disk) error { return d.Place("/f", content) }
	whole := disk.New()
	require.NoError(t, place(whole))
	require.ErrorIs(t, place(whole), fs.ErrExist)
	there := 0
	for n := int64(1); n <= whole.Count(disk.Any); n++ {
		for seed := range uint64(40) {
			d := disk.New()
			d.FailAt(disk.Point{N: n, After: seed%2 == 0}, seed)
			require.ErrorIs(t, place(d), disk.ErrNoPower)
			d.Revive()
			if f, err := d.Open("/f", false); err == nil {
				require.Equal(t, content, contents(t, f))
				there++
				continue
			}
			require.NoError(t, place(d))
			require.Equal(t, string(content), read(t, d, "/f"))
			require.NoError(t, d.SyncDir("/"))
			d.PowerFail(seed)
			d.Revive()
			require.Equal(t, []string{"/f"}, d.Names())
			require.Equal(t, string(content), read(t, d, "/f"))
		}
	}
	require.Positive(t, there)
}
