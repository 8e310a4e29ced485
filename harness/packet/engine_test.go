package packet_test

import (
	"testing"

	"github.com/onebar/onebar/harness/enginetest"
	"github.com/onebar/onebar/harness/packet"
)

func TestEngine(t *testing.T) { enginetest.Test(t, packet.Engine{}) }
