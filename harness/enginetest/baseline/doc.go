// Package baseline is the part of the suite of package enginetest that compares: a
// connection over a perfect link with one of the kernel, and a network on which a fault
// has ended with one that has had none.
package baseline
