package spec

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/onebar/onebar/harness/keys"
	"github.com/onebar/onebar/harness/keys/leaf"
	"github.com/onebar/onebar/harness/quantity"
)

// signed is a length of time, forward or with a minus back.
type signed time.Duration

// Scalar describes the time. It is measured in seconds.
func (v *signed) Scalar() keys.Scalar {
	return keys.Scalar{
		Scan: v.scan, Text: quantity.FormatDuration(time.Duration(*v)), Wants: "a duration such as 300ms, 15s or 1m30s",
		Form:    leaf.Written("-?"+leaf.DurationPattern, "1m30s"),
		Measure: time.Duration(*v).Seconds(), Ranged: true,
	}
}

func (v *signed) scan(s string) error {
	d, err := quantity.ParseDuration(strings.TrimPrefix(s, "-"))
	if strings.HasPrefix(s, "-") {
		d = -d
	}
	*v = signed(d)
	return err
}

// durations is a length of time, or the range it is drawn from.
type durations struct{ Least, Most time.Duration }

// Scalar describes the range. It is measured by its end.
func (v *durations) Scalar() keys.Scalar {
	text := quantity.FormatDuration(v.Most)
	if v.Least != v.Most {
		text = quantity.FormatDuration(v.Least) + ".." + text
	}
	return keys.Scalar{
		Scan: v.scan, Text: text, Wants: "a duration such as 2s, or a range such as 1s..30s",
		Form:    leaf.Written(leaf.DurationPattern+`(\.\.`+leaf.DurationPattern+`)?`, "1s..30s"),
		Measure: v.Most.Seconds(), Ranged: true,
	}
}

func (v *durations) scan(s string) error {
	low, high, ok := strings.Cut(s, "..")
	if !ok {
		high = low
	}
	least, wrong := quantity.ParseDuration(low)
	most, err := quantity.ParseDuration(high)
	switch {
	case errors.Join(wrong, err) != nil:
		return errors.New("is not a duration or a range of them")
	case least > most:
		return errors.New("goes from more to less")
	case least < minFor && most > 0:
		return fmt.Errorf("goes below %s", quantity.FormatDuration(minFor))
	}
	v.Least, v.Most = least, most
	return nil
}

// instant is a date and time, as time.RFC3339 has it.
type instant string

// Scalar describes the instant.
func (v *instant) Scalar() keys.Scalar {
	return keys.Scalar{
		Text: string(*v), Wants: "a date and time such as 2026-01-31T22:00:00Z", Scan: v.scan,
		Form: leaf.Written(`[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})`, "2026-01-31T22:00:00Z"),
	}
}

// scan takes the years in which a run in virtual time can begin.
func (v *instant) scan(s string) error {
	switch t, err := time.Parse(time.RFC3339, s); {
	case err != nil:
		return errors.New("is not a date and time")
	case t.Year() <= 2000 || t.Year() >= 2100:
		return errors.New("is not after 2000 and before 2100")
	}
	*v = instant(s)
	return nil
}

// offset is a time in the script: a duration, or a percentage of the script's
// length.
type offset struct {
	D        time.Duration
	share    float64
	relative bool
}

// Scalar describes the time. The range of a percentage is checked when it is resolved.
func (v *offset) Scalar() keys.Scalar {
	return keys.Scalar{
		Scan: v.scan, Text: quantity.FormatDuration(v.D), Wants: "a duration such as 15s, or a percentage of the script such as 25%",
		Form:    leaf.Written(leaf.DurationPattern+"|"+leaf.SharePattern, "15s"),
		Measure: v.D.Seconds(), Ranged: !v.relative,
	}
}

func (v *offset) scan(s string) (err error) {
	if !strings.HasSuffix(s, "%") {
		v.D, err = quantity.ParseDuration(s)
		return err
	}
	if v.share, err = quantity.ParseShare(s); err == nil && v.share > 1 {
		err = errors.New("is more than the whole script")
	}
	v.relative = err == nil
	return err
}

// The lowest values of every and for, as in format.go, for those given as a
// percentage.
const (
	minEvery = 100 * time.Millisecond
	minFor   = time.Millisecond
)

// resolve resolves a percentage against the length of the script; the result
// must not be below the lowest.
func (v *offset) resolve(r *keys.Reader, name string, lowest time.Duration) {
	script := envOf(r).script
	if !v.relative {
		return
	}
	v.D = time.Duration(v.share * float64(script))
	switch {
	case script == 0:
		r.Errorf(r.At(v), "%s is a percentage, but the script has no length; give workload a rate, or the file a duration", name)
	case v.D < lowest:
		r.Errorf(r.At(v), "%s is %s of the script's %s, which is less than %s",
			name, quantity.FormatShare(v.share), quantity.FormatDuration(script), quantity.FormatDuration(lowest))
	}
}
