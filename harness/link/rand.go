package link

import "math/rand/v2"

// Rand returns a generator for key k of the link id, seeded as the draws of a
// packet are: for what is drawn before a link, and not by it. It is not safe for
// concurrent use.
func Rand(seed uint64, id ID, k Key) *rand.Rand {
	base := mix(seed ^ mix(id.key()|uint64(id.Direction)))
	return rand.New(rand.NewPCG(mix(base+k.Flow*stepFlow), mix(base+k.Ordinal*stepOrdinal)))
}
