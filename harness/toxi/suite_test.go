package toxi_test

import (
	"testing"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest"
	"github.com/onebar/onebar/harness/packet"
	"github.com/onebar/onebar/harness/toxi"
)

func TestEngine(t *testing.T) {
	enginetest.Test(t, enginetest.Config{
		Engine: toxi.Engine{}, Streams: true,
		Refused: []harness.Action{harness.Rebind, harness.Vanish, harness.CrossTraffic},
	})
}

func TestFront(t *testing.T) {
	enginetest.Test(t, enginetest.Config{Engine: toxi.InFrontOf(packet.Engine{})})
}
