// Package disk is a disk in memory whose power can fail. SQLite runs on it
// unchanged, through the file layer that [Disk.VFS] registers, and so do
// programs with a file format of their own, through [File].
//
// Read it in this order: [Disk] is the machine's storage, with its names and its
// power (disk.go); [Group] is the disks of machines that can lose their power together
// (group.go); [Point] says when the power fails (point.go); [Fault] is what a disk with power
// can have: it is slow or full, or a sync fails (fault.go); time.go has the time that syncs
// take; node.go holds what a file keeps and loses; whole.go copies disks and creates complete files; vfs.go is the file
// layer for SQLite.
//
// # What a power failure does
//
// Until it is synced, a change is pending. When the power fails, the seed decides for
// each of these whether it is kept or lost:
//
//   - Each sector of [SectorSize] bytes that was written. It is kept as it is, or as it
//     was after one of the last few writes, or not at all. A sector is never torn,
//     because a drive finishes the sector that it writes. A write of several sectors can
//     be torn.
//   - Each change of a file's size. A sector that a file has grown over and that
//     was lost reads as zeros or as garbage.
//   - Each change of a name: creation, removal, renaming. [File.Sync] does not
//     make the file's name durable; [Disk.SyncDir] does, as POSIX has it. (Several
//     file systems promise more. A program that relies on that fails here.)
//
// For each file a random draw decides first whether all its pending changes are lost, all
// are kept, or each has its own draw. Programs break when whole files are lost and others
// are kept; independent draws alone would almost never give that. The seed [LoseAll] loses
// all pending changes of all files: the worst case for a program that does not sync.
//
// Memory is lost with the power: every open [File] fails from then on. After
// [Disk.Revive] the files can be opened again.
//
// # SQLite
//
// The file layer keeps SQLite's rules (https://sqlite.org/vfs.html) as the one in
// SQLite's own source does: after a journal or a log was created, its first sync
// syncs the directory, too. It declares SQLITE_IOCAP_POWERSAFE_OVERWRITE, which
// is true here, and nothing else. WAL mode works, exclusive or shared. The shared
// index of a log is a real temporary file, because only package vfs can create one; no
// crash keeps it.
//
// TestSettings cuts the power 200 times, each time right after an acknowledged commit.
// So many times at least one such commit was lost:
//
//	journal_mode     synchronous   losing   damaged
//	DELETE           OFF              172        33
//	TRUNCATE         OFF              182        39
//	WAL              OFF              192        27
//	WAL              NORMAL           128         0
//	DELETE           FULL             109         0   the journal, removed but not synced, comes back
//	DELETE           EXTRA              0         0
//	PERSIST, WAL     FULL               0         0
//
// All of it is documented at https://sqlite.org/pragma.html#pragma_synchronous.
//
// # What is not here
//
// Sectors do not rot or tear. A sync is real unless [Disk.Lie] was called. A power failure
// takes no time, and so does everything but a sync of a file ([Disk.SyncTime]). Directories
// exist without being created, and can lose only the names in them.
//
// Nothing here starts a goroutine, and no lock is held while a sync waits, so it works in a
// testing/synctest bubble and outside. What a seed keeps depends only on the operations before the failure
// and their order.
package disk
