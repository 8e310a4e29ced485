// Package exchange makes HTTP requests for an external endpoint from templates, judges
// its answers by rules, and reads ledgers from its lists. It opens no connection; package
// httpapi does.
//
// There is one language, expr-lang's: a condition such as
//
//	status == 200 and body.state == "done"
//
// is an expression, and so is each {{ }} in a template, such as
//
//	{"amount": {{ payment.amount }}, "to": {{ json(payment.payee) }}}
//
// Expressions are compiled when a file is read: an unknown name is
// a [Problem] with its place in the text. An evaluation is bounded in steps, memory and
// time, and ends when the run does: no expression can occupy onebar, whatever a file or a server says. Besides expr-lang's functions there are
// json(x), x as JSON with its quotes, query(x), x as part of a URL's query, and
// link(headers, rel), the target of a Link header (RFC 8288). The names that an expression may use:
//
//	run.id, run.started     this run: a word, and seconds since 1970
//	callback                URL at which the harness listens
//	captured.NAME           what an earlier answer held
//	account, number         of a set-up request: "w0" or "m0", and 0
//	balance, balance_major  of a set-up request: what the account is to hold, in minor units, and as "12.50"
//	currency                of a set-up request
//	payment                 .id .order .reference .amount .major .currency .payer .payee .wallet
//	key, attempt            idempotency key, and number of the attempt from 1
//	status, headers         of an answer; headers by names in lower case
//	body, text              of an answer: what its JSON holds, and as it came
//	item, items, page       of a list: one item, the items of the page, the page's number from 1
//	offset                  of a list: how many items came so far
//
// payment.payer and payment.payee are the server's names of these accounts.
// payment.reference is payment.id made unique over all runs, for servers that remember
// earlier ones. ${NAME} in a template is an environment variable: a secret, which is
// looked up when a run begins and is never written anywhere.
//
// [NewClient] and [NewLedger] compile a configuration and report all its mistakes. A
// [Preset] holds the semantics of a known API.
package exchange
