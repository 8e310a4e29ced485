package outbox

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// mark notes in a file beside the queue how far it has come, in steps: one for
// each payment, each attempt and each change of a state. A step is noted after
// it is durable, and the note is not synced.
type mark struct {
	file  *os.File // nil: not in a file of the operating system
	steps int64    // durable
	batch int64    // of the transaction under way
}

// markText is the note, of one size. The sum tells it from what a power failure
// or a damage leaves, which counts as no note.
func markText(steps int64) []byte {
	b := fmt.Appendf(nil, "%016x ", uint64(steps))
	sum := sha256.Sum256(b)
	return fmt.Appendf(b, "%x\n", sum[:8])
}

func markPath(path string) string { return path + "-mark" }

// readMark returns how far the queue in path had come, at least; 0 if that is
// not known.
func readMark(path string) (steps int64, err error) {
	b, err := os.ReadFile(markPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if n, _ := fmt.Sscanf(string(b), "%016x ", &steps); n == 1 && bytes.Equal(b, markText(steps)) {
		return steps, nil
	}
	return 0, nil
}

// openMark opens the file of the note for writing.
func openMark(path string) (*os.File, error) {
	return os.OpenFile(markPath(path), os.O_RDWR|os.O_CREATE, 0o600)
}

func (m *mark) begin()      { m.batch = 0 }
func (m *mark) add(n int64) { m.batch += n }

// done notes the steps of the transaction. That it cannot be noted harms nobody.
func (m *mark) done() {
	m.steps += m.batch
	if m.file != nil && m.batch != 0 {
		_, _ = m.file.WriteAt(markText(m.steps), 0)
	}
}

// steps returns how far a queue has come.
func steps(hs []PaymentHistory) (n int64) {
	for i := range hs {
		n += 1 + hs[i].State.step() + int64(len(hs[i].Attempts))
	}
	return n
}

// lagging refuses a queue that has not come as far as its mark.
func lagging(hs []PaymentHistory, noted int64) error {
	if n := steps(hs); n < noted {
		return fmt.Errorf("%w: it holds %d of the %d steps that were stored: the end of its log is lost or damaged, or it is an older copy", ErrDamaged, n, noted)
	}
	return nil
}
