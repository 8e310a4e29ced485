package subject

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/onebar/onebar/harness"
)

// Accounts translates between the accounts of a scenario, "w0" and "m0", and the
// server's names for them. Until Name is called, an account has the same name on both
// sides. Several accounts may have one name on the server: there they are one account.
// The zero value is ready; its methods may be called from several goroutines.
type Accounts struct {
	mu     sync.Mutex
	remote map[string]string
	ours   map[string][]string // in the order in which they were named
}

// Name records that remote is the server's name for an account.
func (a *Accounts) Name(account, remote string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.remote == nil {
		a.remote, a.ours = map[string]string{}, map[string][]string{}
	}
	old, known := a.remote[account]
	if known && old == remote {
		return
	}
	if known {
		a.ours[old] = slices.DeleteFunc(a.ours[old], func(o string) bool { return o == account })
	}
	a.remote[account] = remote
	a.ours[remote] = append(a.ours[remote], account)
}

// Remote returns the server's name for an account.
func (a *Accounts) Remote(account string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r, ok := a.remote[account]; ok {
		return r
	}
	return account
}

// Ours returns the accounts of the scenario whose name on the server is remote: at least
// one, and the one that was named first is first.
func (a *Accounts) Ours(remote string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if o := a.ours[remote]; len(o) > 0 {
		return slices.Clone(o)
	}
	return []string{remote}
}

// name returns the account of the scenario whose name on the server is remote: the one
// that was asked for, if it is one of several.
func (a *Accounts) name(remote, asked string) string {
	if asked != "" && a.Remote(asked) == remote {
		return asked
	}
	return a.Ours(remote)[0]
}

// Shared says in words which accounts of the scenario are one account of the server.
func (a *Accounts) Shared() (notes []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, remote := range slices.Sorted(maps.Keys(a.ours)) {
		if o := a.ours[remote]; len(o) > 1 {
			notes = append(notes, fmt.Sprintf("%d accounts, such as %s and %s, are one account of the server, %s: which of them a booking is for was judged by its payment", len(o), o[0], o[1], remote))
		}
	}
	return notes
}

// Wallet returns the account of payer i in a scenario.
func Wallet(i int) string { return "w" + strconv.Itoa(i) }

// Merchant returns the account of merchant i in a scenario.
func Merchant(i int) string { return "m" + strconv.Itoa(i) }

// CurrencyOf returns the currency of an account of a workload. It is not ok if the workload
// has no account of this name.
func CurrencyOf(w harness.Workload, account string) (currency string, ok bool) {
	for _, of := range []struct {
		name func(int) string
		n    int
	}{{Wallet, w.Wallets}, {Merchant, w.Merchants}} {
		if i, err := strconv.Atoi(account[min(1, len(account)):]); err == nil && i >= 0 && i < of.n && of.name(i) == account {
			return w.CurrencyOf(i), true
		}
	}
	return "", false
}

// Asked holds every payment that was requested so far, and the keys and references that
// clients used for it. The zero value is ready; its methods may be called from several
// goroutines.
type Asked struct {
	mu     sync.Mutex
	all    []harness.Payment
	orders map[string]int    // indices in all of the latest press, by order
	ids    map[string]int    // indices in all, by the payment's id
	keys   map[string]string // payments by their ids, and by the keys and references that the server knows
}

// Add records that a payment was requested. The payers that New makes call it.
func (a *Asked) Add(p harness.Payment) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ids == nil {
		a.ids, a.orders = map[string]int{}, map[string]int{}
	}
	a.ids[p.ID], a.orders[p.Order] = len(a.all), len(a.all)
	a.all = append(a.all, p)
	a.call(p.ID, p.ID)
}

// For returns the payment that a posting names, or else a press of the order that it
// names.
func (a *Asked) For(p harness.Posting) (asked harness.Payment, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i, ok := a.ids[p.Payment]
	if !ok && p.Payment == "" {
		i, ok = a.orders[p.Order]
	}
	if !ok {
		return asked, false
	}
	return a.all[i], true
}

func (a *Asked) call(payment, key string) {
	if a.keys == nil {
		a.keys = map[string]string{}
	}
	a.keys[key] = payment
}

// All returns the payments in the order in which they were requested.
func (a *Asked) All() []harness.Payment {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.all)
}

// Called records a key by which the server knows a payment. There may be several.
func (a *Asked) Called(payment, key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.call(payment, key)
}

// Payment returns the payment that the server knows by a key, which may be its id.
func (a *Asked) Payment(key string) (id string, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	id, ok = a.keys[key]
	return id, ok
}
