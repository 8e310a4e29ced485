package reference

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"sync"
)

// source is a stream of bytes drawn from the seed of a run. It may be read by
// several goroutines at once. Use it only in tests of the pair: keys made from it
// are only as secret as the seed.
type source struct {
	mu sync.Mutex
	r  *rand.ChaCha8
}

// newSource returns a source that is seeded by the next draws of r.
func newSource(r *rand.Rand) io.Reader {
	var seed [32]byte
	for i := 0; i < len(seed); i += 8 {
		binary.LittleEndian.PutUint64(seed[i:], r.Uint64())
	}
	return &source{r: rand.NewChaCha8(seed)}
}

// Read implements io.Reader and never fails.
func (s *source) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.r.Read(b)
}
