package quantity

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
)

// FormatDuration writes a duration as a scenario file would: 1m30s, not
// 1m30.000s, and 2h, not 2h0m0s.
func FormatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// FormatRate writes a rate in bit/s as a scenario file would, such as 9.6kbit.
func FormatRate(bps int64) string {
	return scaled(bps, []unit{{1e9, "gbit"}, {1e6, "mbit"}, {1e3, "kbit"}, {1, "bit"}})
}

// FormatSize writes a number of bytes as a scenario file would, such as 64KiB,
// 20KB or 1500B.
func FormatSize(bytes int64) string {
	if bytes > 0 && bytes%(1<<10) == 0 {
		return scaled(bytes, []unit{{1 << 20, "MiB"}, {1 << 10, "KiB"}})
	}
	return scaled(bytes, []unit{{1e6, "MB"}, {1e3, "KB"}, {1, "B"}})
}

// FormatShare writes a share of 0 to 1 as a scenario file would, such as 2.5%.
func FormatShare(f float64) string {
	s := strconv.FormatFloat(f, 'f', -1, 64)
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return s
	}
	percent := r.Mul(r, big.NewRat(100, 1)).FloatString(len(s))
	if strings.Contains(percent, ".") {
		percent = strings.TrimRight(strings.TrimRight(percent, "0"), ".")
	}
	return percent + "%"
}

type unit struct {
	size int64
	name string
}

// scaled writes v in the largest unit that needs at most three decimal digits
// and is not larger than v.
func scaled(v int64, units []unit) string {
	for _, u := range units {
		thousandths := new(big.Rat).SetFrac64(v, u.size)
		exact := new(big.Rat).Mul(thousandths, big.NewRat(1000, 1)).IsInt()
		if (v >= u.size || -v >= u.size) && exact {
			s := thousandths.FloatString(3)
			return strings.TrimRight(strings.TrimRight(s, "0"), ".") + u.name
		}
	}
	return strconv.FormatInt(v, 10) + units[len(units)-1].name
}

// FormatFrequency writes a number of times a second as a scenario file would:
// 4/s, 90/min or 90/h, in the first unit of which it is a whole number, and
// otherwise per second. It reads back to the same number.
func FormatFrequency(hz float64) string {
	for _, u := range []struct {
		seconds float64
		name    string
	}{{1, "/s"}, {60, "/min"}, {3600, "/h"}} {
		text := strconv.FormatFloat(math.Round(hz*u.seconds), 'f', -1, 64) + u.name
		if back, err := ParseFrequency(text); err == nil && back == hz {
			return text
		}
	}
	return strconv.FormatFloat(hz, 'f', -1, 64) + "/s"
}

// FormatAmounts writes an amount in minor units, or a range of them, as a scenario file
// would.
func FormatAmounts(least, most int64, currency string) string {
	if least == most {
		return harness.FormatMoney(most, currency)
	}
	low, _, _ := strings.Cut(harness.FormatMoney(least, currency), " ")
	return low + ".." + harness.FormatMoney(most, currency)
}
