// Package tables makes the tables that several reports show, on the console and in
// Markdown: the runs of a batch, the phases of a run and the energy of its phones.
package tables
