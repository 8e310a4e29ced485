// Package tables makes the tables that several reports show, on the console and in
// Markdown: the runs of a batch, the phases of a run, the energy of its
// phones, and what a sweep or an exploration has counted.
package tables
