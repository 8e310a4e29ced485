// Package retry decides when a wallet makes the next attempt, and how long it waits for an
// answer.
//
// Read it in this order: [Policy] holds the durations and bounds;
// [Policy.Next] is the schedule of one payment, a pure function of what has
// happened to it so far ([Status]); [Backoff] estimates how long an answer takes
// and draws the jitter.
package retry
