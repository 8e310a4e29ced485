// Package baseline compares the figures of runs with those of earlier runs.
//
// [Collect] makes a [Set] of the results of runs. [Set.Write] writes it to a file that is
// committed beside the code: one line for each figure, sorted, so that a review shows which
// figures a change moves. [Compare] compares two sets.
//
// In virtual time a seed gives the same figures in every run. So the runs of one seed are
// compared with each other, and every difference is real. In real time each run differs.
// There a figure has changed if a two-sided Mann–Whitney U test (H. B. Mann and D. R.
// Whitney, Ann. Math. Statist. 18, 1947) rejects chance at 5 % and the medians differ by
// at least 10 %. A comparison tests many figures at once, so the test is corrected by
// Holm's method (S. Holm, Scand. J. Statist. 6, 1979): 5 % is the chance that any figure
// of the comparison is a false alarm. [Null] measures that chance.
//
// Figures, units and which direction is worse come from package metric.
package baseline
