// Package httpapi is the client and the ledger of a subject whose server is an external
// payment API over HTTP.
//
// [Client] is the app on every phone. Each wallet has its own keep-alive connections
// over its own impaired link. The client attempts a payment until an answer says its
// outcome, the attempts are used up, or the time to give up has come:
//
//	pay -> answer -> rule -> confirmed, declined: the payer is told
//	                      -> retry:               wait, and pay again with the key of the payment
//	                      -> pending:             ask for the status, or wait for the callback
//	    -> no answer      -> unknown, never a failure: pay again if the policy says so
//
// A redirect is an answer like any other and is not followed. The rules of the scenario
// say what an answer means, see package exchange. An answer that no rule matches is
// unknown.
//
// [Ledger] reads the list of bookings from the server, not over a link. It leaves out
// what was booked before the run.
package httpapi
