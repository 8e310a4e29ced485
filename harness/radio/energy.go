package radio

import "iter"

// Energy runs m over packets in the order of time (see Machine.Packet) and
// returns what the radio spent.
func Energy(m *Model, packets iter.Seq[Packet]) Usage {
	k := NewMachine(m, nil)
	for p := range packets {
		k.Packet(p)
	}
	return k.Finish()
}
