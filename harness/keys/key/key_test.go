package key

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/keys/leaf"
)

type recipe struct {
	Oven oven `yaml:"oven"`
}

type oven struct {
	For leaf.Duration `yaml:"for"`
}

func TestARuleNamesKeys(t *testing.T) {
	require.NotPanics(t, func() { hasKey(reflect.TypeFor[recipe](), "oven.for") })
	require.Panics(t, func() { hasKey(reflect.TypeFor[recipe](), "oven.none") })
	require.Panics(t, func() { hasKey(reflect.TypeFor[recipe](), "none") })
}
