package subject

import (
	"slices"
	"strconv"
	"sync"

	"github.com/onebar/onebar/harness"
)

// Accounts translates between the accounts of a scenario, "w0" and "m0", and the
// server's names for them. Until Name is called, an account has the same name on both
// sides. The zero value is ready; its methods may be called from several goroutines.
type Accounts struct {
	mu           sync.Mutex
	remote, ours map[string]string
}

// Name records that remote is the server's name for an account.
func (a *Accounts) Name(account, remote string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.remote == nil {
		a.remote, a.ours = map[string]string{}, map[string]string{}
	}
	a.remote[account], a.ours[remote] = remote, account
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

// Ours returns the account of the scenario whose name on the server is remote.
func (a *Accounts) Ours(remote string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if o, ok := a.ours[remote]; ok {
		return o
	}
	return remote
}

// Wallet returns the account of payer i in a scenario.
func Wallet(i int) string { return "w" + strconv.Itoa(i) }

// Merchant returns the account of merchant i in a scenario.
func Merchant(i int) string { return "m" + strconv.Itoa(i) }

// Asked holds every payment that was requested so far, and the keys and references that
// clients used for it. The zero value is ready; its methods may be called from several
// goroutines.
type Asked struct {
	mu   sync.Mutex
	all  []harness.Payment
	keys map[string]string // payments by their ids, and by the keys and references that the server knows
}

// Add records that a payment was requested. The payers that New makes call it.
func (a *Asked) Add(p harness.Payment) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, p)
	a.call(p.ID, p.ID)
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
