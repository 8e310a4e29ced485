package packet_test

import (
	"testing"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest"
	"github.com/onebar/onebar/harness/packet"
)

func TestEngine(t *testing.T) {
	enginetest.Test(t, enginetest.Config{Engine: packet.Engine{}, Refused: []harness.Action{harness.StreamToxic}})
}
