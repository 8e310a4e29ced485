package mutants

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/onebar/onebar/harness/result"
)

// Overlay writes the files of the module at root, as the mutant changes them, into dir, and
// returns the path of a file for go build -overlay. A patch that does not apply is an error that
// says where. It needs git.
func (m Mutant) Overlay(ctx context.Context, root, dir string) (string, error) {
	replace := map[string]string{}
	for _, file := range m.Files() {
		from, to := filepath.Join(root, file), filepath.Join(dir, file)
		data, err := os.ReadFile(from)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // the patch may create a file
			return "", fmt.Errorf("read the file that mutant %s changes: %w", m.Name, err)
		}
		if err == nil {
			if err := write(to, data); err != nil {
				return "", err
			}
		}
		replace[from] = to
	}
	apply := exec.CommandContext(ctx, "git", "apply", "--whitespace=nowarn", "-")
	apply.Dir, apply.Stdin = dir, bytes.NewReader(m.Patch)
	apply.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir)) // dir is in no repository
	if out, err := apply.CombinedOutput(); err != nil {
		return "", fmt.Errorf("apply mutant %s: %w: %s: write the patch again for today's files", m.Name, err, bytes.TrimSpace(out))
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", fmt.Errorf("write the overlay of mutant %s: %w", m.Name, err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, write(overlay, text)
}

// write writes a file and its folder.
func write(path string, data []byte) error {
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		return fmt.Errorf("write a file of a mutant: %w", err)
	}
	return nil
}

// RunTest runs the test of the mutant with the overlay. The test has to fail, and to print one of
// the mutant's checks.
func (m Mutant) RunTest(ctx context.Context, overlay string) (Found, error) {
	pkg, name, _ := strings.Cut(m.Test, " ")
	f := Found{By: "go test " + m.Test, Runs: 1, Fails: map[string]int{}}
	out, err := exec.CommandContext(ctx, "go", "test", "-count", "1", "-overlay", overlay, "-run", "^"+name+"$", pkg).CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && (!failed || !bytes.Contains(out, []byte("--- FAIL: "+name))) {
		return f, fmt.Errorf("test %s: %w: %s", m.Test, err, out)
	}
	if err == nil {
		return f, nil
	}
	for _, match := range regexp.MustCompile(`(?m)^ +FAIL +(\w+) `).FindAllSubmatch(out, -1) {
		f.add(string(match[1]), result.Fail, 1, 1, m.Check)
	}
	if len(f.Fails) == 0 {
		f.Fails["another"] = 1
	}
	return f, nil
}
