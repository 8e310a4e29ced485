package main

import (
	"errors"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/disk"
	"github.com/onebar/onebar/reference"
)

// newSubject returns the system under test of a scenario, for a run in real time.
func newSubject(sc harness.Scenario) (harness.Subject, error) {
	if isExternal(sc) {
		return external(sc)
	}
	faulty, err := planted(sc)
	return reference.New(reference.Options{Faulty: faulty}), err
}

// newSimulated returns the system under test for a run in virtual time. free frees its
// disks.
func newSimulated(sc harness.Scenario) (s harness.Subject, free func() error, err error) {
	if isExternal(sc) {
		return nil, nil, errors.New("an external system runs in real time, and engine sim runs in virtual time: use onebar run or onebar sweep with --engine packet or toxiproxy")
	}
	faulty, err := planted(sc)
	o := reference.Options{Faulty: faulty, BankDisk: disk.New(), WalletDisks: disk.NewGroup()} // so that a crash is a power failure
	free = func() error { return errors.Join(o.BankDisk.Close(), o.WalletDisks.Close()) }
	return reference.New(o), free, err
}

// newLive returns the system under test for one of many runs in real time. The reference
// pair's disks are in memory; free frees them.
func newLive(sc harness.Scenario) (s harness.Subject, free func() error, err error) {
	if isExternal(sc) {
		s, err = external(sc)
		return s, func() error { return nil }, err
	}
	return newSimulated(sc)
}

// planted returns the faults that a scenario plants in the reference pair.
func planted(sc harness.Scenario) (f reference.Faulty, err error) {
	for _, name := range sc.Subject.Broken {
		err = errors.Join(err, f.Set(name))
	}
	return f, err
}
