package disk_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/harness/disk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newDisk(tb testing.TB) *disk.Disk {
	tb.Helper()
	d := disk.New()
	tb.Cleanup(func() { require.NoError(tb, d.Close()) })
	return d
}

// setting is how an application asks SQLite for durability.
type setting struct{ journal, synchronous, locking string }

func (s setting) open(d *disk.Disk) (*sqlite3.Conn, error) {
	c, err := sqlite3.Open("file:/app/payments.db?vfs=" + d.VFS())
	if err != nil {
		return nil, err
	}
	err = c.Exec(fmt.Sprintf(`PRAGMA locking_mode=%s; PRAGMA journal_mode=%s; PRAGMA synchronous=%s; PRAGMA wal_autocheckpoint=8;
		CREATE TABLE IF NOT EXISTS payment (id INTEGER PRIMARY KEY, content BLOB NOT NULL)`, s.locking, s.journal, s.synchronous))
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// pay commits payments until n are acknowledged or one is not.
func (s setting) pay(d *disk.Disk, n int, seed uint64) (acknowledged int) {
	c, err := s.open(d)
	if err != nil {
		return 0
	}
	defer func() { _ = c.Close() }() // it has no power
	for acknowledged < n && c.Exec("INSERT INTO payment (content) VALUES (randomblob(900))") == nil {
		acknowledged++
	}
	if !d.Off() {
		d.PowerFail(seed)
	}
	return acknowledged
}

// after tells what is left of the acknowledged payments once there is power.
func (s setting) after(d *disk.Disk, acknowledged int) (lost int, damage error) {
	d.Revive()
	c, err := s.open(d)
	if err != nil {
		return acknowledged, err
	}
	defer func() { damage = errors.Join(damage, c.Close()) }()
	st, _, err := c.Prepare("SELECT count(*), coalesce(max(id), 0), (SELECT group_concat(quick_check) FROM pragma_quick_check) FROM payment")
	if err != nil {
		return acknowledged, err
	}
	defer st.Close()
	if !st.Step() {
		return acknowledged, st.Err()
	}
	n, last, check := st.ColumnInt(0), st.ColumnInt(1), st.ColumnText(2)
	if check != "ok" || n != last || n > acknowledged+1 {
		damage = fmt.Errorf("%d payments, the last is %d, %d were acknowledged, check: %s", n, last, acknowledged, check)
	}
	return max(0, acknowledged-n), damage
}

// TestSettings: power failures find each setting of SQLite that does not keep
// what it acknowledges, and none that does. The failure comes right after an
// acknowledgment.
func TestSettings(t *testing.T) {
	seeds := 200
	if testing.Short() {
		seeds = 40
	}
	for _, tt := range []struct {
		setting
		lose   int // in at least so many runs of a hundred payments are lost; 0 is in none at all
		damage bool
	}{
		{setting{"DELETE", "OFF", "NORMAL"}, 25, true},
		{setting{"TRUNCATE", "OFF", "NORMAL"}, 25, true},
		{setting{"WAL", "OFF", "NORMAL"}, 50, true},
		{setting{"WAL", "NORMAL", "NORMAL"}, 50, false},
		{setting{"WAL", "NORMAL", "EXCLUSIVE"}, 50, false},
		{setting{"DELETE", "FULL", "NORMAL"}, 25, false}, // the journal comes back
		{setting{"DELETE", "EXTRA", "NORMAL"}, 0, false},
		{setting{"PERSIST", "FULL", "NORMAL"}, 0, false},
		{setting{"WAL", "FULL", "NORMAL"}, 0, false},
		{setting{"WAL", "FULL", "EXCLUSIVE"}, 0, false},
	} {
		t.Run(fmt.Sprint(tt.journal, " ", tt.synchronous, " ", tt.locking), func(t *testing.T) {
			losing, damaged := 0, 0
			for seed := range seeds {
				d := disk.New()
				acknowledged := tt.pay(d, 1+seed%23, uint64(seed))
				lost, damage := tt.after(d, acknowledged)
				if lost > 0 {
					losing++
				}
				if damage != nil {
					damaged++
					if !tt.damage {
						t.Errorf("seed %d: %v", seed, damage)
					}
				}
				require.NoError(t, d.Close())
			}
			t.Logf("of %d runs %d lost acknowledged payments, %d damaged the file", seeds, losing, damaged)
			if tt.lose == 0 {
				require.Zero(t, losing)
			}
			require.GreaterOrEqual(t, losing*100, tt.lose*seeds)
		})
	}
}

// TestEveryPoint fails the power at every operation of a database's life, from
// its creation over its checkpoints to its last payment.
func TestEveryPoint(t *testing.T) {
	variants := uint64(4)
	if testing.Short() {
		variants = 1
	}
	for _, s := range []setting{
		{"WAL", "FULL", "NORMAL"}, {"WAL", "FULL", "EXCLUSIVE"}, {"PERSIST", "FULL", "NORMAL"}, {"DELETE", "EXTRA", "NORMAL"},
	} {
		payments := 12 // with a checkpoint
		if s.journal != "WAL" {
			payments = 4
		}
		whole := newDisk(t)
		require.Equal(t, payments, s.pay(whole, payments, 1))
		crashes := 0
		for n := int64(1); n <= whole.Count(disk.Any); n++ {
			for variant := range variants {
				d := disk.New()
				d.FailAt(disk.Point{N: n, After: variant == 3}, variant)
				acknowledged := s.pay(d, payments, variant)
				lost, damage := s.after(d, acknowledged)
				require.NoError(t, damage, "%v, operation %d, variant %d", s, n, variant)
				require.Zero(t, lost, "%v, operation %d, variant %d", s, n, variant)
				require.NoError(t, d.Close())
				crashes++
			}
		}
		t.Logf("%v: %d crashes at %d operations, %d of them syncs of the log", s, crashes, whole.Count(disk.Any), whole.Count(disk.LogSync))
	}
}
