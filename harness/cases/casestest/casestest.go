// Package casestest has what tests of packages that make many runs share: a runner of
// the reference pair, and a small case.
package casestest

import (
	"errors"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/disk"
	"github.com/onebar/onebar/harness/sut"
	"github.com/onebar/onebar/reference"
)

// NewPair returns the reference pair with disks in memory and the faults that a
// scenario plants in it. It is a cases.New.
func NewPair(sc harness.Scenario) (s harness.Subject, free func() error, err error) {
	o := reference.Options{BankDisk: disk.New(), WalletDisks: disk.NewGroup()}
	for _, name := range sc.Subject.Broken {
		err = errors.Join(err, o.Faulty.Set(name))
	}
	free = func() error { return errors.Join(o.BankDisk.Close(), o.WalletDisks.Close()) }
	return reference.New(o), free, err
}

// Pair returns a runner of the reference pair in this process.
func Pair() cases.Simulator { return cases.Simulator{New: NewPair} }

// OnePayment returns a case of one payment over EDGE with the pair broken as named.
func OnePayment(broken ...string) cases.Case {
	path := harness.Path{Delay: 420 * time.Millisecond, Rate: 200_000}
	return cases.Case{Seed: 1, Scenario: harness.Scenario{
		Name: "one", Subject: sut.Config{Broken: broken},
		Workload: harness.Workload{
			Wallets: 1, Merchants: 1, Payments: 1, AmountMin: 10, AmountMax: 900, Currency: "KES",
			Deadline: 30 * time.Second, Attempts: 30,
		},
		Link:   harness.Profile{Name: "edge", Up: path, Down: path},
		Settle: 90 * time.Second,
	}}
}
