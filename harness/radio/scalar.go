package radio

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/onebar/onebar/harness/keys"
	"github.com/onebar/onebar/harness/quantity"
)

// The values of a model file that other documents do not have. They are only read: they
// have no text to write, and no schema.
type (
	watts         float64
	optionalWatts float64 // NaN if unknown
	joules        float64
	traffic       struct {
		Over    int64
		Packets bool
	}
)

func (v *watts) Scalar() keys.Scalar {
	return keys.Scalar{
		Measure: float64(*v), Ranged: true, Wants: "watts, such as 0.5W or 10mW",
		Scan: func(text string) (err error) {
			*v, err = inUnits[watts](text, map[string]float64{"W": 1, "mW": 1e-3, "uW": 1e-6})
			return err
		},
	}
}

func (v *optionalWatts) Scalar() keys.Scalar {
	return keys.Scalar{
		Measure: float64(*v), Ranged: !math.IsNaN(float64(*v)),
		Wants: "watts, such as 0.5W or 10mW, or unknown",
		Scan: func(text string) error {
			if text == "unknown" {
				*v = optionalWatts(math.NaN())
				return nil
			}
			return (*watts)(v).Scalar().Scan(text)
		},
	}
}

func (v *joules) Scalar() keys.Scalar {
	return keys.Scalar{
		Measure: float64(*v), Ranged: true, Wants: "joules, such as 3.5J or 40nJ",
		Scan: func(text string) (err error) {
			*v, err = inUnits[joules](text, map[string]float64{"J": 1, "mJ": 1e-3, "uJ": 1e-6, "nJ": 1e-9})
			return err
		},
	}
}

// inUnits reads a number with one of the units.
func inUnits[T watts | joules](text string, units map[string]float64) (T, error) {
	number := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	x, err := strconv.ParseFloat(number, 64)
	factor, known := units[text[len(number):]]
	switch {
	case err != nil || math.IsNaN(x) || math.IsInf(x, 0) || strings.ContainsAny(number, "xX_"):
		return 0, errors.New("is not a number with a unit")
	case number == text:
		return 0, errors.New("has no unit")
	case !known:
		return 0, errors.New("has an unknown unit")
	}
	return T(x * factor), nil
}

func (v *traffic) Scalar() keys.Scalar {
	return keys.Scalar{
		Measure: float64(v.Over), Ranged: true, Wants: "a size such as 3000B, or such as 15 packets",
		Scan: func(text string) (err error) {
			number, isPackets := strings.CutSuffix(text, " packets")
			if v.Packets = isPackets; isPackets {
				v.Over, err = quantity.ParseCount(number)
			} else {
				v.Over, err = quantity.ParseSize(text)
			}
			return err
		},
	}
}
