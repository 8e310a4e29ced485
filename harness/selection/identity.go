package selection

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Identity says what the runs were that were asked for, of which a shard makes some. Two
// shards belong together if their identities are equal.
type Identity struct {
	Build     string   `json:"build"`             // SHA-256 of the program in hexadecimal
	Scenarios []Chosen `json:"scenarios"`         // in the order of the command line
	Options   []string `json:"options,omitempty"` // further flags that decide which runs there are
}

// Chosen identifies a scenario and how it is run.
type Chosen struct {
	Name   string `json:"name"`
	Hash   string `json:"hash"` // SHA-256 of what the file says, see cases.Hash
	Engine string `json:"engine"`
	Seed   uint64 `json:"seed"`            // the first, if there are several
	Seeds  int    `json:"seeds,omitempty"` // how many there are, one after the other; 0 is one
}

// Run is one run of onebar run.
type Run struct {
	Scenario string
	Seed     uint64
}

// Compare orders runs by the names of their scenarios, then by their seeds: the order in
// which they are shared between shards.
func (r Run) Compare(other Run) int {
	return cmp.Or(cmp.Compare(r.Scenario, other.Scenario), cmp.Compare(r.Seed, other.Seed))
}

// Runs returns the runs of onebar run, in the order of its report.
func (d Identity) Runs() (list []Run) {
	for _, sc := range d.Scenarios {
		for i := range max(1, sc.Seeds) {
			list = append(list, Run{sc.Name, sc.Seed + uint64(i)})
		}
	}
	return list
}

// Build returns the SHA-256 of the program that runs, in hexadecimal. Go builds the same
// program from the same source with the same flags.
func Build() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	f, err := os.Open(self)
	if err != nil {
		return "", fmt.Errorf("read this program: %w", err)
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return "", fmt.Errorf("read this program: %w", err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// Stamp says of a report which runs it has.
type Stamp struct {
	Shard *Shard    `json:"shard,omitempty"`     // the part of the runs of Of; nil is all
	Of    *Identity `json:"selection,omitempty"` // the runs that were asked for; nil is not known, as of runs that were interrupted
}

// Part is a file with the results of a shard.
type Part struct {
	File string
	Stamp
}

// Whole returns an error unless parts are all shards of the same runs, each once. The
// error has every mistake. The first part says what the others are compared with.
func Whole(parts []Part) error {
	if len(parts) == 0 {
		return errors.New("no file was given: expected the JSON report of each shard")
	}
	var errs []error
	for _, p := range parts {
		switch {
		case p.Shard == nil:
			errs = append(errs, fmt.Errorf("%s is not of a shard: expected the JSON report of a command with --shard", p.File))
		case p.Of == nil:
			errs = append(errs, fmt.Errorf("%s: shard %s was interrupted: make it again", p.File, p.Shard))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	first := parts[0]
	files := map[int]string{}
	for _, p := range parts {
		if p.Shard.Total != first.Shard.Total {
			errs = append(errs, fmt.Errorf("%s is shard %s and %s is shard %s: expected shards of the same number", first.File, first.Shard, p.File, p.Shard))
			continue
		}
		if other, twice := files[p.Shard.Index]; twice {
			errs = append(errs, fmt.Errorf("%s and %s are both shard %s: give each shard once", other, p.File, p.Shard))
		}
		files[p.Shard.Index] = p.File
		if why := first.Of.unlike(*p.Of); why != "" {
			errs = append(errs, fmt.Errorf("%s is not of the same runs as %s: %s", p.File, first.File, why))
		}
	}
	for i := 1; i <= first.Shard.Total; i++ {
		if files[i] == "" {
			errs = append(errs, fmt.Errorf("shard %d/%d is missing: give the files of all shards", i, first.Shard.Total))
		}
	}
	return errors.Join(errs...)
}

// unlike says in which way another identity is not this one; empty is in none. Of the
// scenarios of a command line the order does not count.
func (d Identity) unlike(other Identity) string {
	if d.Build != other.Build {
		return fmt.Sprintf("it was made by another build of onebar (%.12s, and not %.12s)", other.Build, d.Build)
	}
	if !slices.Equal(d.Options, other.Options) {
		return fmt.Sprintf("its flags were %s, and not %s", flags(other.Options), flags(d.Options))
	}
	byName := map[string]Chosen{}
	for _, sc := range d.Scenarios {
		byName[sc.Name] = sc
	}
	for _, sc := range other.Scenarios {
		mine, known := byName[sc.Name]
		switch {
		case !known:
			return fmt.Sprintf("it has the scenario %s too", sc.Name)
		case sc.Hash != mine.Hash:
			return fmt.Sprintf("its scenario %s is another one (%.12s, and not %.12s)", sc.Name, sc.Hash, mine.Hash)
		case sc.Engine != mine.Engine:
			return fmt.Sprintf("its engine for %s was %s, and not %s", sc.Name, sc.Engine, mine.Engine)
		case sc.Seed != mine.Seed:
			return fmt.Sprintf("its seed for %s was %d, and not %d", sc.Name, sc.Seed, mine.Seed)
		case sc.Seeds != mine.Seeds:
			return fmt.Sprintf("%s had %d seeds there, and not %d", sc.Name, max(1, sc.Seeds), max(1, mine.Seeds))
		}
		delete(byName, sc.Name)
	}
	for _, sc := range d.Scenarios {
		if _, left := byName[sc.Name]; left {
			return "it lacks the scenario " + sc.Name
		}
	}
	return ""
}

func flags(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, " ")
}
