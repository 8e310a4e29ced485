package mutants_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/mutants"
)

// pkg is what go list says of a package.
type pkg struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
}

// packages lists the packages of the patched files, and all that they import, with the path of
// their compiled form.
func packages(t *testing.T, root string, list []mutants.Mutant) map[string]pkg {
	t.Helper()
	args := []string{"list", "-trimpath", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles"}
	for _, m := range list {
		for _, f := range m.Files() {
			args = append(args, "./"+filepath.ToSlash(filepath.Dir(f)))
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	out, err := cmd.Output()
	require.NoError(t, err)
	all := map[string]pkg{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all[p.ImportPath] = p
	}
}

// Each patch of the corpus applies to today's files, and each patched package compiles. A patch
// that does not is no planted bug any more, and the gate would be silent about it.
func TestCorpusCompiles(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	list, err := mutants.Load("corpus")
	require.NoError(t, err)
	all := packages(t, root, list)
	fset := token.NewFileSet()
	compiled := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(all[path].Export) })
	for _, m := range list {
		t.Run(m.Name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := m.Overlay(t.Context(), root, dir)
			require.NoError(t, err)
			for path, p := range all {
				inside, err := filepath.Rel(root, p.Dir)
				require.NoError(t, err)
				if !slices.ContainsFunc(m.Files(), func(f string) bool { return filepath.Dir(f) == inside }) {
					continue
				}
				var files []*ast.File
				for _, name := range p.GoFiles {
					source := filepath.Join(dir, inside, name)
					if _, err := os.Stat(source); err != nil {
						source = filepath.Join(p.Dir, name)
					}
					f, err := parser.ParseFile(fset, source, nil, parser.SkipObjectResolution)
					require.NoError(t, err)
					files = append(files, f)
				}
				_, err = (&types.Config{Importer: compiled}).Check(path, fset, files, nil)
				require.NoError(t, err)
			}
		})
	}
}
