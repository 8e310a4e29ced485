// Package check judges a history.
//
// A [Judge] is fed the records one by one and keeps a small state a payment, so
// its time and memory are linear in the history and do not grow with the number
// of packets. [Judge.Verdicts] then asks one question after the other, each in a
// file of its own: was a payment lost, booked twice, booked after the user had
// been told no? [Checks] lists them.
//
// The words are those of package harness. A press of the pay button is a
// payment with an id; presses for the same purchase share an order. What was
// told to the payer, what was booked, and what was asked are three things, and
// every check compares two of them.
//
// A verdict is unknown, never pass, when the history does not hold what it
// would take to judge: no end, an interrupted run, a ledger that was not read,
// a fault that hit nothing. It is n/a when the run was whole and the subject does
// not offer what it would take: it reports no commits, gives no balances, has no
// ledger to read. What a partial history already proves wrong fails all the same. A broken history is data like any other; nothing here returns an
// error.
package check
