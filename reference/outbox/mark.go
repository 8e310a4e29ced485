package outbox

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// mark writes the number of steps of the queue to a file beside it: one step for each
// payment, each attempt and each change of a state. It counts a step when the step is
// durable. The file is not synced.
type mark struct {
	file  *os.File // nil: not in a file of the operating system
	steps int64    // durable
	batch int64    // of the transaction under way
}

// markText returns the text of the mark, which has a fixed size. Its checksum detects
// damage; a damaged mark counts as no mark.
func markText(steps int64) []byte {
	b := fmt.Appendf(nil, "%016x ", uint64(steps))
	sum := sha256.Sum256(b)
	return fmt.Appendf(b, "%x\n", sum[:8])
}

func markPath(path string) string { return path + "-mark" }

// readMark returns the number of steps in the mark of the queue in path; 0 if there is no
// mark.
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

func (m *mark) begin()      { m.batch = 0 }
func (m *mark) add(n int64) { m.batch += n }

// done writes the steps of the transaction to the mark. An error does no harm, because the
// mark may be too small.
func (m *mark) done() {
	m.steps += m.batch
	if m.file != nil && m.batch != 0 {
		_, _ = m.file.WriteAt(markText(m.steps), 0)
	}
}

// steps returns the number of steps of a queue.
func steps(hs []PaymentHistory) (n int64) {
	for i := range hs {
		n += 1 + hs[i].State.step() + int64(len(hs[i].Attempts))
	}
	return n
}

// lagging returns an error if a queue has fewer steps than its mark.
func lagging(hs []PaymentHistory, noted int64) error {
	if n := steps(hs); n < noted {
		return fmt.Errorf("%w: it holds %d of the %d steps that were stored: the end of its log is lost or damaged, or it is an older copy", ErrDamaged, n, noted)
	}
	return nil
}
