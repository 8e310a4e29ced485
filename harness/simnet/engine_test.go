package simnet_test

import (
	"testing"

	"github.com/onebar/onebar/harness/enginetest"
	"github.com/onebar/onebar/harness/simnet"
)

func TestEngine(t *testing.T) { enginetest.Test(t, simnet.Engine{}) }
