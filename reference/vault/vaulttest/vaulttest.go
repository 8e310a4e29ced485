// Package vaulttest has a vault for the tests of other packages, [Lockable]. Its own tests
// hold each kind of [vault.Vault] to its contract.
package vaulttest

import (
	"fmt"
	"sync/atomic"

	"github.com/onebar/onebar/reference/vault"
)

// Lockable is a vault that a test locks and unlocks.
type Lockable struct {
	vault.Vault // what it does while it is unlocked

	Locked atomic.Bool
}

// Sign implements vault.Vault.
func (l *Lockable) Sign(domain string, message []byte) ([]byte, error) {
	if l.Locked.Load() {
		return nil, fmt.Errorf("sign: %w", vault.ErrLocked)
	}
	return l.Vault.Sign(domain, message)
}

// Agree implements vault.Vault.
func (l *Lockable) Agree(peer [32]byte) ([]byte, error) {
	if l.Locked.Load() {
		return nil, fmt.Errorf("agree: %w", vault.ErrLocked)
	}
	return l.Vault.Agree(peer)
}
