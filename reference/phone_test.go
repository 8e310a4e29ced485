package reference

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/disk"
	"github.com/onebar/onebar/reference/outbox"
	"github.com/onebar/onebar/reference/wallet"
)

// inPhones runs f in virtual time, on a pair of four wallets with a disk each and a
// bank that takes a second to answer.
func inPhones(t *testing.T, seed uint64, f func(*pair, Options)) {
	t.Helper()
	o := Options{BankDisk: disk.New(), WalletDisks: disk.NewGroup()}
	inBubbleWith(t, o, 4, seed, newMemory(func(int, int) fault { return fault{} }), func(p *pair) {
		p.Subject.(harness.Slower).SlowAnswers(time.Second)
		f(p, o)
	})
	require.NoError(t, o.BankDisk.Close())
	require.NoError(t, o.WalletDisks.Close())
}

func (p *pair) clients() *clients { return p.Subject.(*subject).clients }

// shops lets each user in turn pay for an order, and returns the presses. Where
// the phone is down the user hears so.
func (p *pair) shops(name string) (presses []string) {
	for i := range 4 {
		id := fmt.Sprint(name, i)
		presses = append(presses, id)
		if err := p.press(i, id, "o-"+id); err != nil {
			require.True(p.t, errors.Is(err, errDown) || errors.Is(err, disk.ErrNoPower), "%v", err)
			p.witness.Told(harness.Told{Payment: id, Outcome: harness.Failed})
		}
	}
	return presses
}

// TestOnePhoneCrashesAlone takes the power from wallet 3 while payments of all four
// are under way: the others do not notice, and its own payment goes on afterwards.
func TestOnePhoneCrashesAlone(t *testing.T) {
	for seed := range uint64(10) {
		inPhones(t, seed, func(p *pair, o Options) {
			phone := p.clients().payers[3]
			p.shops("a")
			time.Sleep(time.Duration(seed) * 200 * time.Millisecond) // in the bank's second, and after it
			require.NoError(t, p.clients().killOne(phone))
			for i := range 4 {
				require.Equal(t, i == 3, o.WalletDisks.Disk(i).Off(), "disk of wallet %d", i)
			}
			require.False(t, o.BankDisk.Off())
			_, err := p.Subject.(harness.Holder).Held(t.Context())
			require.ErrorIs(t, err, errDown)
			p.shops("b")
			time.Sleep(20 * time.Second)
			for i := range 3 {
				for _, name := range []string{"a", "b"} {
					told := p.witness.of(fmt.Sprint(name, i))
					require.Equal(t, []harness.Outcome{harness.Queued, harness.Confirmed}, told, "wallet %d had no crash", i)
				}
			}
			require.Error(t, p.clients().start(p.clients().payers[2]), "it is running")
			require.NoError(t, p.clients().start(phone))
			p.shops("c")
			time.Sleep(time.Minute)

			posted := p.postings()
			for _, id := range []string{"a0", "a1", "a2", "a3", "b0", "b1", "b2", "c0", "c1", "c2", "c3"} {
				require.Equal(t, harness.Confirmed, p.witness.final(t, id))
				require.Len(t, posted["o-"+id], 1, id)
				require.Len(t, finals(p.witness.of(id)), 1, id)
			}
			require.Empty(t, posted["o-b3"], "that phone was down")
			held, err := p.Subject.(harness.Holder).Held(t.Context())
			require.NoError(t, err)
			require.Empty(t, held)
		})
	}
}

// TestCommitsOfAllPhones: the commits of four wallets are numbered together, and at
// each number the power of all phones fails, and OnFail is called once.
func TestCommitsOfAllPhones(t *testing.T) {
	commits := int64(0)
	inPhones(t, 1, func(p *pair, _ Options) {
		p.shops("a")
		time.Sleep(time.Minute)
		commits = p.Subject.(harness.Storer).Commits(harness.Client)
	})
	require.Greater(t, commits, int64(8), "more than one of each wallet")
	for n := int64(1); n <= commits; n++ {
		inPhones(t, 1, func(p *pair, o Options) {
			told := make(chan int64, 2)
			storer, crasher := p.Subject.(harness.Storer), p.Subject.(harness.Crasher)
			storer.FailCommit(harness.Client, n, n%2 == 0, func() { told <- storer.Commits(harness.Client) })
			go p.shops("a")
			require.Equal(t, n, <-told)
			for i := range 4 {
				require.True(t, o.WalletDisks.Disk(i).Off(), "commit %d, disk of wallet %d", n, i)
			}
			require.False(t, o.BankDisk.Off())
			require.NoError(t, crasher.Crash(harness.Client))
			time.Sleep(time.Second)
			require.NoError(t, crasher.Restart(t.Context(), harness.Client))
			time.Sleep(time.Minute)
			require.Empty(t, told)
			posted := p.postings()
			for i := range 4 {
				id := fmt.Sprint("a", i)
				fs := finals(p.witness.of(id))
				require.Len(t, fs, 1, "commit %d, %s: %v", n, id, p.witness.of(id))
				require.Equal(t, fs[0] == harness.Confirmed, len(posted["o-"+id]) == 1, "commit %d, %s: %v", n, id, fs)
			}
		})
	}
}

// TestOnePhoneIsRestored gives wallet 3 back what it had stored while its first
// payment was under way. It asks again for that one, under the same key, and has
// forgotten the second. The history says both, and the bank books each once.
func TestOnePhoneIsRestored(t *testing.T) {
	inPhones(t, 1, func(p *pair, o Options) {
		phone, backup := p.clients().payers[3], disk.New()
		p.shops("a")
		time.Sleep(500 * time.Millisecond) // the bank has booked it, and the phone does not know
		backup.Restore(o.WalletDisks.Disk(3))
		time.Sleep(10 * time.Second)
		p.shops("b")
		time.Sleep(10 * time.Second)
		stored, err := phone.store.History()
		require.NoError(t, err)
		require.Len(t, stored, 2)

		require.NoError(t, p.clients().killOne(phone))
		phone.storage.disk.Restore(backup)
		require.NoError(t, p.clients().start(phone))
		stored, err = phone.store.History()
		require.NoError(t, err)
		require.Len(t, stored, 1)
		time.Sleep(time.Minute)
		p.shops("c")
		time.Sleep(time.Minute)

		posted := p.postings()
		for _, name := range []string{"a", "b", "c"} {
			for i := range 4 {
				id := fmt.Sprint(name, i)
				told := p.witness.of(id)
				require.Equal(t, harness.Confirmed, told[len(told)-1], id)
				require.Len(t, posted["o-"+id], 1, id)
				if id == "a3" { // the user has read it twice, and in between that nobody knew
					require.Len(t, finals(told), 2, "%v", told)
					require.True(t, slices.Contains(told, harness.OutcomeUnknown), "%v", told)
					continue
				}
				require.Equal(t, []harness.Outcome{harness.Queued, harness.Confirmed}, told, id)
			}
		}
	})
}

// TestClonedPhone runs a copy of wallet 1, with its keys, beside the wallet itself
// while a payment is under way: both bring it to its end, and the bank books it once.
func TestClonedPhone(t *testing.T) {
	inPhones(t, 3, func(p *pair, o Options) {
		p.shops("a")
		time.Sleep(500 * time.Millisecond)
		clone := storage{dir: p.clients().payers[1].storage.dir, disk: disk.New()}
		clone.disk.Restore(o.WalletDisks.Disk(1))
		clone.revive()
		store, err := outbox.Open(outbox.Config{Path: clone.file("wallet-1.db"), VFS: clone.layer()})
		require.NoError(t, err)
		var told []outbox.State
		config := p.clients().payers[1].config
		config.Told = func(w outbox.Payment) { told = append(told, w.State) }
		twin, err := wallet.Open(store, config)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		require.Equal(t, outbox.Confirmed, told[len(told)-1], "%v", told)
		require.Equal(t, harness.Confirmed, p.witness.final(t, "a1"))
		require.Len(t, p.postings()["o-a1"], 1)
		twin.Kill()
		require.NoError(t, store.Close())
		require.NoError(t, clone.disk.Close())
	})
}

// TestOnePhoneIsFrozen freezes wallet 3 while payments of all four are under way: the others
// do not notice, it tells its user nothing until it goes on, and its payments are booked once.
// A phone that is killed meanwhile has said nothing, and goes on after its restart.
func TestOnePhoneIsFrozen(t *testing.T) {
	for seed := range uint64(10) {
		inPhones(t, seed, func(p *pair, _ Options) {
			side := harness.Side(harness.ClientName(3))
			freezer, crasher := p.Subject.(harness.Freezer), p.Subject.(harness.Crasher)
			p.shops("a")
			time.Sleep(time.Duration(seed) * 200 * time.Millisecond) // in the bank's second, and after it
			before := p.witness.of("a3")
			require.NoError(t, freezer.Freeze(side))
			pressed := make(chan error)
			go func() { pressed <- p.press(3, "b3", "o-b3") }()
			time.Sleep(40 * time.Second)
			for i := range 3 {
				require.Equal(t, []harness.Outcome{harness.Queued, harness.Confirmed}, p.witness.of(fmt.Sprint("a", i)))
			}
			require.Equal(t, before, p.witness.of("a3"))
			require.Empty(t, p.witness.of("b3"))
			if seed%2 == 1 {
				require.NoError(t, crasher.Crash(side))
				require.ErrorIs(t, <-pressed, errDown)
				require.NoError(t, freezer.Thaw(side))
				require.NoError(t, crasher.Restart(t.Context(), side))
				require.NoError(t, p.press(3, "b3", "o-b3"))
			} else {
				require.NoError(t, freezer.Thaw(side))
				require.NoError(t, <-pressed)
			}
			time.Sleep(time.Minute)
			posted := p.postings()
			for _, id := range []string{"a0", "a1", "a2", "a3", "b3"} {
				require.Equal(t, harness.Confirmed, p.witness.final(t, id))
				require.Len(t, posted["o-"+id], 1, id)
			}
			require.Error(t, freezer.Freeze(harness.Server))
		})
	}
}
