package toxi_test

import (
	"testing"

	"github.com/onebar/onebar/harness/enginetest"
	"github.com/onebar/onebar/harness/packet"
	"github.com/onebar/onebar/harness/toxi"
)

func TestEngine(t *testing.T) { enginetest.Test(t, toxi.Engine{}) }

func TestFront(t *testing.T) { enginetest.Test(t, toxi.InFrontOf(packet.Engine{})) }
