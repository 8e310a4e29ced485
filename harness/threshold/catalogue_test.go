package threshold

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/metric"
)

// A threshold can name every figure of the catalogue, and of a phase each that is not
// of the whole run only.
func TestEveryFigure(t *testing.T) {
	for _, m := range metric.Catalogue() {
		for _, figure := range m.Figures() {
			th, err := Parse(figure + " == 0")
			require.NoError(t, err, "every figure can be in a threshold")
			require.Equal(t, figure, th.Figure)
			_, err = Parse(metric.PhaseFigure{Name: figure, Phase: "a phase"}.String() + " == 0")
			require.Equal(t, m.Whole, err != nil, "%s of a phase", figure)
		}
	}
}
