package spec

import (
	"reflect"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/keys"
)

// compose makes the structs of format.go from a Scenario: the way back of build.go and
// timeline.go. What it leaves out, [same] finds.
func compose(c *keys.Composer, sc harness.Scenario) *file {
	f := &file{Onebar: "1"}
	plain := reflect.ValueOf(sc)
	c.Compose(f, plain, reflect.Zero(plain.Type()))
	c.Accept(&f.Onebar)
	if w := sc.Workload; sc.Length > 0 && w.Rate == float64(w.Payments)/sc.Length.Seconds() {
		c.Clear(&f.Workload.Rate)
	}
	if sc.Workload.Presses == 0 {
		c.Clear(&f.Workload.Presses)
	}
	f.Expect = make([]keys.Text, len(sc.Expect))
	for i, e := range sc.Expect {
		f.Expect[i] = keys.Text(e.Text)
		c.Accept(&f.Expect[i])
	}
	return f
}
