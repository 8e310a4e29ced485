package harness

import "iter"

// Abilities is a set of what an Engine or a Subject can do beyond the least. It may
// depend on how either was made, and does not change during a run. The zero value is
// none. What a scenario needs and neither of the two can do is refused from this set
// alone, see package fault. The methods that go with an ability are those of an
// optional interface, which whoever has the ability implements.
type Abilities uint32

// The abilities of a Subject, each a set of one.
const (
	CrashClient    Abilities = 1 << iota // kill the client side and start it again, see Crasher
	CrashServer                          // likewise the server
	FreezeClient                         // stop the client side where it stands, see Freezer
	FreezeServer                         // likewise the server
	SlowServer                           // delay the answers of the server, see Slower
	CountCommits                         // count durable commits, and have the power fail at one, see Storer
	FollowRequests                       // call Env.Reached at the moments of HTTP requests
	ReportCommits                        // call Observer.Committed for every booking
	ReportHeld                           // say which payments the payers hold, see Holder
	CrashHost                            // kill a host of its Topology and start it again, see Crasher
	FreezeHost                           // stop such a host where it stands, see Freezer
	KeepDeadlines                        // book no payment after Payment.Deadline

	subjectEnd
)

// The abilities of an Engine, each a set of one.
const (
	// CarryPackets: its links carry IP packets, which can be lost, reordered,
	// duplicated and corrupted one by one, and be captured. Without it they carry byte
	// streams: the size of a Packet is then payload.
	CarryPackets     = subjectEnd << iota
	CountPackets     // ask NetworkConfig.Lose about each packet: an event can begin at one
	VirtualTime      // run in a bubble of testing/synctest, where the same seed makes the same run
	RebindClients    // Rebind: a NAT is on each access link
	CutPower         // Vanish: a host ends without a word to the others
	SendCrossTraffic // CrossTraffic
	PutToxics        // StreamToxic on access links
	PutToxicsOnLinks // StreamToxic on a link of the Topology
	JoinHosts        // have the hosts and links of a Topology
	CarryDatagrams   // carry UDP, see PacketListener
	TunnelClients    // give the link of a client to a machine outside, see Tunneler
	WatchLinks       // tell a client when its link is up again, see LinkWatcher
)

// Has reports whether all of want are in the set.
func (a Abilities) Has(want Abilities) bool { return a&want == want }

// Each yields the abilities of the set one by one, in their order.
func (a Abilities) Each() iter.Seq[Abilities] {
	return func(yield func(Abilities) bool) {
		for one := Abilities(1); one != 0 && one <= a; one <<= 1 {
			if a.Has(one) && !yield(one) {
				return
			}
		}
	}
}

// CrashOf is the ability to kill a side: of a side that is unknown both.
func CrashOf(s Side) Abilities { return ofSide(s, CrashClient, CrashServer, CrashHost) }

// FreezeOf is the ability to freeze a side: of a side that is unknown both.
func FreezeOf(s Side) Abilities { return ofSide(s, FreezeClient, FreezeServer, FreezeHost) }

func ofSide(s Side, client, server, host Abilities) Abilities {
	switch s {
	case Client:
		return client
	case Server:
		return server
	case SideUnknown:
		return client | server
	}
	return host
}
