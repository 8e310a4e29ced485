// Package disk is a disk in memory whose power can fail. SQLite runs on it
// unchanged, through the file layer that [Disk.VFS] registers, and so do
// programs with a file format of their own, through [File].
//
// Read it in this order: [Disk] is the machine's storage, with its names and its
// power (disk.go); [Group] is the disks of machines that can lose their power together
// (group.go); [Point] says when the power fails (point.go); node.go holds what a file
// keeps and loses; whole.go copies disks and makes whole files; vfs.go is SQLite's face
// of it.
//
// # What a power failure does
//
// Until it is synced, a change is only pending. When the power fails, these are
// kept or lost each on its own, by the seed:
//
//   - Each sector of [SectorSize] bytes that was written. It is kept as it is, or
//     as it was after one of the last few writes, or not at all. Sectors are
//     whole: a drive finishes the sector under its head. A write of several
//     sectors can therefore be torn.
//   - Each change of a file's size. A sector that a file has grown over and that
//     was lost reads as zeros or as garbage.
//   - Each change of a name: creation, removal, renaming. [File.Sync] does not
//     make the file's name durable; [Disk.SyncDir] does, as POSIX has it. (Several
//     file systems promise more. Who relies on it is found.)
//
// A draw for each file decides first whether all its pending changes are lost,
// all are kept, or each has its own draw. Whole files lost beside whole files
// kept are what breaks programs, and independent draws alone would never show
// them.
//
// Memory is gone with the power: every open [File] is dead from then on, and
// with [Disk.Revive] the files can be opened again.
//
// # SQLite
//
// The file layer keeps SQLite's rules (https://sqlite.org/vfs.html) as the one in
// SQLite's own source does: after a journal or a log was created, its first sync
// syncs the directory, too. It declares SQLITE_IOCAP_POWERSAFE_OVERWRITE, which
// is true here, and nothing else. WAL mode works, exclusive or shared: the shared
// index of a log, which is scratch that no crash keeps, is a real temporary file,
// because only package vfs can make one.
//
// How many of 200 power failures, each right after an acknowledged commit, lost
// at least one such commit (TestSettings):
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
// Sectors do not rot or tear, a drive reports its syncs truthfully unless told to
// [Disk.Lie], and a power failure takes no time. Directories are there without
// having been made, and have nothing to lose but the names in them.
//
// Nothing here blocks, sleeps or has a goroutine, so it works in a
// testing/synctest bubble and outside. What a seed keeps depends on the
// operations before it, their order included, and on nothing else.
package disk
