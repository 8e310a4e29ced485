// Package transport sends HTTP requests for clients, ledgers and tests of a payment
// API: within a time limit ([Send]), over a connection that the caller dials ([New]),
// to a server that the configuration trusts ([Trust]). [Secrets] keeps the values of
// environment variables out of messages. [Step] reports a request and its answer.
package transport
