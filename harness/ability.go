package harness

import "iter"

// Abilities is a set of what a Subject can do beyond the least. It may depend on how
// the subject was made, and does not change during a run. The zero value is none.
// The methods that go with an ability are those of an optional interface, which a
// subject with the ability implements.
type Abilities uint32

// The abilities, each a set of one.
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
