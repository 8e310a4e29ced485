// Package attempts says what became of the attempts in a history: how many ended with
// each error or answer, and which of them failed although nothing hindered them.
//
// An attempt is hindered if one of these happened while it was under way:
//
//   - A fault was in force, or had ended not longer ago than it lasted (at least 5 s).
//   - A packet of its phone was lost, damaged or late.
//   - A packet of its phone took an eighth of the attempt's time to cross the link, or
//     a timer of the harness was as late. The eighth is rounded up to a power of two.
//
// All other failures come from the system under test.
package attempts
