package bank

import (
	"sync"

	"github.com/onebar/onebar/reference/pay"
)

// identities is the index of wallets by their transport key, which connections use while
// the writer works. It holds durable enrollments, and nothing is removed from it. The zero
// value is empty. Its methods may be called from several goroutines.
type identities struct {
	mu          sync.RWMutex
	byTransport map[[32]byte]pay.PublicKey
}

// add enters accounts whose enrollment is durable. Those of merchants have no
// wallet.
func (x *identities) add(accounts []*account) {
	if len(accounts) == 0 {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.byTransport == nil {
		x.byTransport = make(map[[32]byte]pay.PublicKey, len(accounts))
	}
	for _, a := range accounts {
		if a.identity != (pay.PublicKey{}) {
			x.byTransport[a.transport] = a.identity
		}
	}
}

func (x *identities) find(transport [32]byte) (pay.PublicKey, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	identity, known := x.byTransport[transport]
	return identity, known
}
