package radio

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness/keys"
)

//go:embed models/*.yaml
var files embed.FS

// Bundled returns the bundled models in the order of their names. Each call
// reads them anew: the caller owns them.
func Bundled() []*Model {
	entries, err := files.ReadDir("models")
	must(err)
	models := make([]*Model, len(entries))
	for i, e := range entries {
		models[i], err = bundled(e.Name())
		must(err)
	}
	slices.SortFunc(models, func(a, b *Model) int { return strings.Compare(a.Name, b.Name) })
	return models
}

func bundled(file string) (*Model, error) {
	data, err := files.ReadFile("models/" + file)
	if err != nil {
		return nil, err
	}
	return ReadModel(file, data)
}

// Lookup returns the bundled model of the given name.
func Lookup(name string) (*Model, error) {
	if m, err := bundled(name + ".yaml"); err == nil {
		return m, nil
	}
	var names []string
	for _, m := range Bundled() {
		names = append(names, m.Name)
	}
	return nil, fmt.Errorf("there is no radio model %q; %s", name, keys.Suggest(name, names))
}

// Source returns the file of a bundled model as it stands, or nil: where to
// start a model of one's own.
func Source(name string) []byte {
	data, err := files.ReadFile("models/" + name + ".yaml")
	if err != nil {
		return nil
	}
	return data
}
