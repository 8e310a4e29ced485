// Package httpapi pays over HTTP and reads ledgers over HTTP: the client and the
// ledger of a subject whose server is a payment API that somebody else wrote.
//
// [Client] is the app on every phone. Each wallet has connections of its own, kept
// alive as an app would, over the impaired link of that wallet. A payment is
// attempted until an answer says what became of it, the attempts are used up, or
// it is given up:
//
//	pay -> answer -> rule -> confirmed, declined: the payer is told
//	                      -> retry:               wait, and pay again with the key of the payment
//	                      -> pending:             ask for the status, or wait for the callback
//	    -> no answer      -> unknown, never a failure: pay again if the policy says so
//
// A redirect is an answer like any other and is not followed. What an answer means
// is said by the file, see package exchange; what no rule matches is unknown.
//
// [Ledger] reads the list of what was booked, beside the links. What stood there
// before the run is left out.
package httpapi
