// Package check judges a history.
//
// A [Judge] reads the records one by one and keeps a small state for each payment. Its
// time is linear in the history, and its memory does not grow with the number of
// packets. [Judge.Verdicts] then answers each check, which has its own file: was a
// payment lost, booked twice, or booked after the user was told that it was refused?
// [Checks] lists them.
//
// The words are those of package harness. A press of the pay button is a
// payment with an id; presses for the same purchase share an order. What was
// told to the payer, what was booked, and what was asked are three things, and
// every check compares two of them.
//
// A verdict is unknown, never pass, if the history does not hold enough to judge: no end,
// an interrupted run, a ledger that was not read, a fault that hit nothing. It is n/a if
// the run was complete but the subject does not report what the check needs: commits,
// balances, a ledger. A check fails even in a partial history if that proves the failure.
// A broken history is data like any other; nothing here returns an error.
package check
