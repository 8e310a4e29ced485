package radio

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/onebar/onebar/harness/yamltext"
)

// Ranges of the values of a model file.
const (
	maxPower  = 100.0     // W
	maxEnergy = 1000.0    // J
	maxTimer  = time.Hour //
	maxSize   = 1 << 20   // bytes
	maxText   = 1000      // characters
)

// The readers below return a function that reads a scalar into *v. They report
// a mistake and leave *v alone if the scalar is not what the key wants.

func (d *decoder) text(what string, v *string) func(ast.Node) {
	return func(n ast.Node) {
		text, ok := yamltext.Scalar(n)
		text = strings.Join(strings.Fields(text), " ")
		if !ok || text == "" || len(text) > maxText {
			d.errorf(placeOf(n), "%s is %s; expected text of 1 to %d characters", what, yamltext.Describe(n), maxText)
			return
		}
		*v = text
	}
}

// slug reads a lower-case name.
func (d *decoder) slug(what string, v *string) func(ast.Node) {
	return func(n ast.Node) {
		text, ok := yamltext.Scalar(n)
		if !ok || text == "" || len(text) > 64 || strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			d.errorf(placeOf(n), "%s is %s; expected lower-case letters, digits and hyphens, at most 64", what, yamltext.Describe(n))
			return
		}
		*v = text
	}
}

// word reads one of the words and calls set with its index.
func (d *decoder) word(what string, words []string, set func(int)) func(ast.Node) {
	return func(n ast.Node) {
		text, ok := yamltext.Scalar(n)
		i := slices.Index(words, text)
		if !ok || i < 0 {
			d.errorf(placeOf(n), "%s is %s; expected one of %s", what, yamltext.Describe(n), strings.Join(words, ", "))
			return
		}
		set(i)
	}
}

// duration reads a time from low on.
func (d *decoder) duration(what string, low time.Duration, v *time.Duration) func(ast.Node) {
	return func(n ast.Node) {
		text, ok := yamltext.Scalar(n)
		t, err := time.ParseDuration(text)
		if !ok || err != nil || strings.HasPrefix(text, "+") || t == 0 && text != "0s" {
			d.errorf(placeOf(n), "%s is %s; expected a duration such as 4.1s or 300ms", what, yamltext.Describe(n))
			return
		}
		if t < low || t > maxTimer {
			d.errorf(placeOf(n), "%s is %s; expected %v to %v", what, text, low, maxTimer)
			return
		}
		*v = t
	}
}

// number reads a number with one of the units, from 0 to limit.
func (d *decoder) number(what, example string, units map[string]float64, limit float64, v *float64) func(ast.Node) {
	return func(n ast.Node) {
		text, ok := yamltext.Scalar(n)
		i := len(strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
		x, err := strconv.ParseFloat(text[:i], 64)
		factor, known := units[text[i:]]
		if !ok || err != nil || !known || math.IsNaN(x) || math.IsInf(x, 0) || strings.ContainsAny(text[:i], "xX_") {
			d.errorf(placeOf(n), "%s is %s; expected a number with its unit, such as %s", what, yamltext.Describe(n), example)
			return
		}
		if x *= factor; x < 0 || x > limit {
			d.errorf(placeOf(n), "%s is %s; expected 0 to %g in the unit of %s", what, text, limit, strings.TrimLeft(example, ".0123456789"))
			return
		}
		*v = x
	}
}

func (d *decoder) watts(what string, v *float64) func(ast.Node) {
	return d.number(what, "0.5W", map[string]float64{"W": 1, "mW": 1e-3, "uW": 1e-6}, maxPower, v)
}

func (d *decoder) joules(what string, v *float64) func(ast.Node) {
	return d.number(what, "3.5J", map[string]float64{"J": 1, "mJ": 1e-3, "uJ": 1e-6, "nJ": 1e-9}, maxEnergy, v)
}

func (d *decoder) bytes(what string, v *int64) func(ast.Node) {
	return func(n ast.Node) {
		size := math.NaN()
		d.number(what, "543B", map[string]float64{"B": 1}, maxSize, &size)(n)
		switch {
		case math.IsNaN(size):
		case size != math.Trunc(size):
			d.errorf(placeOf(n), "%s is %s; expected whole bytes", what, yamltext.Describe(n))
		default:
			*v = int64(size)
		}
	}
}

// power reads watts, "unknown", or the cycle of a state that sleeps and wakes,
// whose mean it takes: where in its cycle such a state is left is not known.
func (d *decoder) power(what string, v *float64) func(ast.Node) {
	return func(n ast.Node) {
		if text, ok := yamltext.Scalar(n); ok {
			if text == "unknown" {
				*v = math.NaN()
				return
			}
			d.watts(what, v)(n)
			return
		}
		if _, mapping := n.(*ast.MappingNode); !mapping {
			d.errorf(placeOf(n), "%s is %s; expected watts, unknown, or a cycle {every, on, high, low}", what, yamltext.Describe(n))
			return
		}
		var every, on time.Duration
		var high, low float64
		d.mapping(n, what,
			required("every", d.duration("every", time.Microsecond, &every)),
			required("on", d.duration("on", 0, &on)),
			required("high", d.watts("high", &high)),
			required("low", d.watts("low", &low)))
		if on > every {
			d.errorf(placeOf(n), "%s is on for %v of every %v; expected no more than the whole", what, on, every)
			return
		}
		if every > 0 {
			share := on.Seconds() / every.Seconds()
			*v = share*high + (1-share)*low
		}
	}
}

// drain reads how fast a queue is sent.
func (d *decoder) drain(what string, v *Drain) func(ast.Node) {
	return func(n ast.Node) {
		d.mapping(n, what,
			optional("base", d.duration("base", 0, &v.Base)),
			optional("per_byte", d.duration("per_byte", 0, &v.PerByte)),
			optional("per_byte2", d.duration("per_byte2", 0, &v.PerByte2)))
	}
}

// boolean reads true or false.
func (d *decoder) boolean(what string, v *bool) func(ast.Node) {
	return d.word(what, []string{"false", "true"}, func(i int) { *v = i == 1 })
}

// count reads a whole number followed by the word packets, or bytes.
func (d *decoder) count(what string, v *int64, packets *bool) func(ast.Node) {
	return func(n ast.Node) {
		text, _ := yamltext.Scalar(n)
		number, unit, _ := strings.Cut(text, " ")
		if unit != "packets" {
			d.bytes(what, v)(n)
			return
		}
		x, err := strconv.ParseUint(number, 10, 20)
		if err != nil {
			d.errorf(placeOf(n), "%s is %q; expected a size such as 3000B, or such as 15 packets", what, fmt.Sprint(text))
			return
		}
		*v, *packets = int64(x), true
	}
}
