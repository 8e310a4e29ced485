// Package impairment judges from a history whether a run was impaired as its scenario
// asked: whether each event hit something, and whether loss, delay, rate and outages of
// the links were those of their profiles.
//
// [Links] is fed the records one by one. Its memory does not grow with the number of
// packets. [Links.Judge] compares, and [Links.Busy] says whether the machine was too slow
// for the run. Nothing here is about payments: package check is.
package impairment
