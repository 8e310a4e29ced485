// Package format writes values for people: numbers with their units, names, colours and
// tables. Everything that the reports and the progress display show is made of these
// pieces, so that a duration, a share or a verdict looks the same everywhere. Text that
// came from outside goes through [Clean] first.
package format
