// Package reference makes the reference pair, a wallet (reference/wallet) and a
// bank (reference/bank) that talk over reference/channel/noise, a
// [harness.Subject]. It is the only part of the pair that knows the harness.
//
// [New] returns the subject. The correlator (correlator.go) knows which presses of
// the button each of the wallet's payments stands for, and passes on to the
// harness what their users are told.
//
// What differs from a deployed pair, and only that: keys, idempotency keys and
// jitter are drawn from the seed of the run, so they are worth nothing outside it.
//
// Each wallet has a store of its own, and with disks of harness/disk in the
// [Options] a disk of its own, so that one phone can crash, be restored from a copy or
// be cloned while the others go on (clients.killOne, disk.Disk.Restore, clients.start). A
// wallet costs a run some 0.4 MB of memory, most of it SQLite's: a scenario of 1,000
// wallets with a payment each took 465 MB at its peak on packet, with files, and 512 MB
// on sim, with disks in memory.
//
// With disks a crash of a side is a power failure of all its disks: what was not
// synced is kept or lost by the seed, for each disk on its own. Nobody can say, then,
// what came of what was under way, so after a restart the adapter looks: a press
// during which the phone went dark was taken or not (clients.settle), a commit that
// was never reported durable may be (bank.LedgerConfig.Recall).
//
// [Faulty] subjects are broken on purpose. They are how we know that the checks
// find something.
package reference
