package spec

import (
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
)

// toxicType is one of toxiproxy's toxics and its attributes, as its README
// documents them (Shopify/toxiproxy v2.12.0, toxics/*.go).
type toxicType struct {
	needs []string // attributes that must be given; the others are 0
	takes []string
	unit  time.Duration // of the delay or timeout: what 1 means to toxiproxy
}

func toxicTypes() map[string]toxicType {
	return map[string]toxicType{
		"reset_peer": {takes: []string{"timeout"}, unit: time.Millisecond},
		"limit_data": {needs: []string{"bytes"}},
		"slicer":     {needs: []string{"average_size"}, takes: []string{"size_variation", "delay"}, unit: time.Microsecond},
		"slow_close": {needs: []string{"delay"}, unit: time.Millisecond},
		"timeout":    {takes: []string{"timeout"}, unit: time.Millisecond},
	}
}

// toxic checks that a toxic has the attributes of its type, and converts them
// to the integers toxiproxy takes.
func (t timeline) toxic(x *toxic) *harness.Toxic {
	kind, known := toxicTypes()[x.Type.s]
	if !known {
		return nil // said when it was read
	}
	attributes := []struct {
		mark
		name  string
		value int64
		spell time.Duration
	}{
		{x.Timeout.mark, "timeout", 0, x.Timeout.d},
		{x.Bytes.mark, "bytes", x.Bytes.bytes, 0},
		{x.AverageSize.mark, "average_size", x.AverageSize.bytes, 0},
		{x.SizeVariation.mark, "size_variation", x.SizeVariation.bytes, 0},
		{x.Delay.mark, "delay", 0, x.Delay.d},
	}
	got := &harness.Toxic{Type: x.Type.s, Stream: x.Stream.s, Attributes: map[string]int64{}, Connections: x.Connections.n}
	all := append(slices.Clone(kind.needs), kind.takes...)
	for _, a := range attributes {
		switch {
		case !a.given() && slices.Contains(kind.needs, a.name):
			t.errorf(x.place, "toxic %s needs %s", x.Type.s, a.name)
		case !a.given():
		case !slices.Contains(all, a.name):
			t.errorf(a.place, "toxic %s has no %s; it has %s", x.Type.s, a.name, oneOf(all))
		case kind.unit > 0 && a.spell%kind.unit != 0:
			t.errorf(a.place, "%s %s is finer than toxiproxy counts here; give whole %s", a.name, FormatDuration(a.spell), FormatDuration(kind.unit))
		case a.spell > 0:
			got.Attributes[a.name] = int64(a.spell / kind.unit)
		default:
			got.Attributes[a.name] = a.value
		}
	}
	if x.SizeVariation.ok && x.AverageSize.ok && x.SizeVariation.bytes >= x.AverageSize.bytes {
		t.errorf(x.SizeVariation.place, "size_variation must be less than average_size")
	}
	return got
}
