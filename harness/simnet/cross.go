package simnet

import (
	"errors"

	"github.com/onebar/onebar/harness"
)

func (n *Network) crossTraffic(harness.Direction) (func() int64, error) {
	return nil, errors.New("inject cross_traffic: the sim network has none; use the packet engine")
}
