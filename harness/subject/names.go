package subject

import (
	"slices"
	"strconv"
	"sync"

	"github.com/onebar/onebar/harness"
)

// Accounts translates between the accounts of a scenario, "w0" and "m0", and what
// the server calls them. An account that nobody has named is called the same on
// both sides. The zero value is ready; its methods may be called from several
// goroutines.
type Accounts struct {
	mu           sync.Mutex
	remote, ours map[string]string
}

// Name takes note that the server calls an account remote.
func (a *Accounts) Name(account, remote string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.remote == nil {
		a.remote, a.ours = map[string]string{}, map[string]string{}
	}
	a.remote[account], a.ours[remote] = remote, account
}

// Remote returns what the server calls an account.
func (a *Accounts) Remote(account string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r, ok := a.remote[account]; ok {
		return r
	}
	return account
}

// Ours returns the account of the scenario that the server calls remote.
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

// Asked is every payment that was asked for so far, and what clients have called
// them towards the server. The zero value is ready; its methods may be called from
// several goroutines.
type Asked struct {
	mu   sync.Mutex
	all  []harness.Payment
	keys map[string]string // payments by their ids, and by the keys and references that the server knows
}

// Add takes note that a payment was asked for. The payers that New makes do it.
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

// All returns the payments in the order in which they were asked for.
func (a *Asked) All() []harness.Payment {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.all)
}

// Called takes note that the server knows a payment by a key, which may be one of
// several.
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
