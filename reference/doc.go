// Package reference adapts the reference pair to the harness, as a [harness.Subject]: a
// wallet (reference/wallet) and a bank (reference/bank) that communicate over
// reference/channel/noise. It is the only part of the pair that knows the harness.
//
// [New] returns the subject. The correlator (correlator.go) knows the presses of the
// button for each payment of a wallet, and reports to the harness what users are told.
//
// The pair differs from a deployed one only in this: keys, idempotency keys and jitter are
// drawn from the seed of the run, so they protect nothing outside it.
//
// Each wallet has a store of its own, and with disks of harness/disk in the
// [Options] a disk of its own, so that one phone can crash, be restored from a copy or
// be cloned while the others go on (disk.Disk.Restore, clients.start). A
// wallet costs a run some 0.4 MB of memory, most of it SQLite's: a scenario of 1,000
// wallets with a payment each took 465 MB at its peak on packet, with files, and 512 MB
// on sim, with disks in memory.
//
// With disks, a crash of a side is a power failure of all its disks: the seed decides for
// each disk what is kept of what was not synced. After a restart the adapter finds out
// what had happened at the crash: whether the wallet accepted a press that was under way
// (clients.settle), and which commits are durable but were not reported
// (bank.LedgerConfig.Recall).
//
// [Faulty] subjects are broken on purpose. They show that the checks find faults.
package reference
