package reference

import (
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/disk"
	"github.com/onebar/onebar/reference/outbox"
)

// disks are those of a side: a disk, or a group of them.
type disks interface {
	power
	Off() bool
	Failures() int64
	Lie()
	Close() error
}

var (
	_ disks = (*disk.Disk)(nil)
	_ disks = (*disk.Group)(nil)
)

// outage is a power failure of a side at an operation of its disk after the
// start. It lasts for three seconds.
type outage struct {
	side  harness.Side
	point disk.Point // counted from the start; the zero value is none
	seed  uint64
}

// lives is what a run with an outage came to.
type lives struct {
	failed bool // the power failed
	dark   int  // presses that the phone did not take
	ops    map[harness.Side]int64
}

// live lets a user pay twice, around an outage, and compares what was told with
// the ledger.
func (o outage) live(t *testing.T) (l lives) {
	t.Helper()
	options := Options{BankDisk: disk.New(), WalletDisks: disk.NewGroup()}
	sides := map[harness.Side]disks{harness.Client: options.WalletDisks, harness.Server: options.BankDisk}
	defer func() {
		for _, d := range sides {
			require.NoError(t, d.Close())
		}
	}()
	m := newMemory(func(int, int) fault { return fault{} })
	inBubbleWith(t, options, 1, 7, m, func(p *pair) {
		before := map[harness.Side]int64{}
		for side, d := range sides {
			before[side] = d.Count(disk.Any)
		}
		o.arm(p, sides[o.side])
		for i := range 2 {
			id := fmt.Sprint("p", i)
			if err := p.press(0, id, fmt.Sprint("o", i)); err != nil {
				require.ErrorIs(p.t, err, errDown)
				p.witness.Told(harness.Told{Payment: id, Outcome: harness.Failed})
			}
			time.Sleep(10 * time.Second)
		}
		l.ops = map[harness.Side]int64{}
		for side, d := range sides {
			l.ops[side] = d.Count(disk.Any) - before[side]
		}
		if d := sides[o.side]; d != nil {
			l.failed = d.Failures() > 0
		}
		l.dark = p.compare(o, 2)
	})
	return l
}

// arm prepares the outage.
func (o outage) arm(p *pair, d disks) {
	if o.point.N == 0 {
		return
	}
	d.OnFail(func() {
		go func() {
			crasher := p.Subject.(harness.Crasher)
			require.NoError(p.t, crasher.Crash(o.side))
			time.Sleep(3 * time.Second)
			require.NoError(p.t, crasher.Restart(p.t.Context(), o.side))
		}()
	})
	o.point.N += d.Count(o.point.Kind)
	d.FailAt(o.point, o.seed)
}

// compare holds what was told of payments p0, p1... against the ledger, and
// returns how many were not taken.
func (p *pair) compare(o outage, payments int) (dark int) {
	p.t.Helper()
	posted := p.postings()
	for i := range payments {
		id := fmt.Sprint("p", i)
		final := p.witness.final(p.t, id)
		told := p.witness.of(id)
		want := 0
		switch final {
		case harness.Confirmed:
			want = 1
		case harness.Failed:
			dark++
		default:
			p.t.Fatalf("%+v: %s was told %v", o, id, told)
		}
		require.Len(p.t, finals(told), 1, "%+v: %s was told %v", o, id, told)
		require.Len(p.t, posted[fmt.Sprint("o", i)], want, "%+v: %s was told %v", o, id, told)
		require.Equal(p.t, want, p.witness.committed[id], "%+v: reports of the booking of %s", o, id)
	}
	held, err := p.Subject.(harness.Holder).Held(p.t.Context())
	require.NoError(p.t, err)
	require.Empty(p.t, held)
	return dark
}

// TestEveryPowerFailure has the power of a side fail at every write, sync and
// change of a name in the life of two payments, each with several fates of what
// was not synced.
func TestEveryPowerFailure(t *testing.T) {
	variants := 8
	if testing.Short() {
		variants = 2
	}
	whole := outage{}.live(t)
	for _, side := range []harness.Side{harness.Client, harness.Server} {
		runs, dark := 0, 0
		for n := int64(1); n <= whole.ops[side]; n++ {
			for v := range variants {
				o := outage{side, disk.Point{N: n, After: v == 7}, uint64(v)}
				l := o.live(t)
				require.True(t, l.failed, "%+v", o)
				runs++
				dark += l.dark
			}
		}
		t.Logf("%v: %d power failures at %d operations, %d presses not taken", side, runs, whole.ops[side], dark)
		require.Equal(t, side == harness.Client, dark > 0)
	}
}

// TestCrashIsAPowerFailure crashes sides right after a payment was confirmed. On
// a disk that syncs nothing is lost, and a disk that lies about it is found out.
func TestCrashIsAPowerFailure(t *testing.T) {
	for _, lies := range []bool{false, true} {
		for _, side := range []harness.Side{harness.Client, harness.Server} {
			t.Run(fmt.Sprintf("%v lies=%t", side, lies), func(t *testing.T) {
				harmed := 0
				for seed := range uint64(20) {
					if crashAfterConfirmation(t, side, lies, seed) {
						harmed++
					}
				}
				t.Logf("%d of 20 runs", harmed)
				require.Equal(t, lies, harmed > 0)
			})
		}
	}
}

// crashAfterConfirmation reports whether a side can no longer be started after a
// power failure, or a payment it was told to be confirmed is no longer there.
func crashAfterConfirmation(t *testing.T, side harness.Side, lies bool, seed uint64) (harmed bool) {
	t.Helper()
	o := Options{BankDisk: disk.New(), WalletDisks: disk.NewGroup()}
	d := map[harness.Side]disks{harness.Server: o.BankDisk, harness.Client: o.WalletDisks}[side]
	inBubbleWith(t, o, 1, seed, newMemory(func(int, int) fault { return fault{} }), func(p *pair) {
		if lies {
			d.Lie()
		}
		require.NoError(p.t, p.press(0, "p0", "o0"))
		require.Equal(p.t, harness.Confirmed, p.witness.final(p.t, "p0"))
		crasher := p.Subject.(harness.Crasher)
		require.NoError(p.t, crasher.Crash(side))
		require.True(p.t, d.Off())
		require.ErrorIs(p.t, o.WalletDisks.Disk(0).Remove("nothing"), map[bool]error{true: disk.ErrNoPower, false: fs.ErrNotExist}[side == harness.Client])
		time.Sleep(time.Second)
		if err := crasher.Restart(p.t.Context(), side); err != nil {
			harmed = true
			return
		}
		stored, err := p.Subject.(*subject).clients.payers[0].store.History()
		require.NoError(p.t, err)
		harmed = len(p.postings()["o0"]) != 1 || len(stored) != 1 || stored[0].State != outbox.Confirmed
	})
	require.NoError(t, o.BankDisk.Close())
	require.NoError(t, o.WalletDisks.Close())
	return harmed
}
