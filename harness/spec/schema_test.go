package spec

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	yaml "github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/threshold"
)

// compiled returns a function that says what the schema has against a document.
func compiled(t *testing.T, lib Library) func([]byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema(lib)))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("onebar.json", doc))
	schema, err := c.Compile("onebar.json")
	require.NoError(t, err)
	return func(data []byte) error {
		b, err := yaml.YAMLToJSON(data)
		if err != nil {
			return err
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			return err
		}
		return schema.Validate(v)
	}
}

// TestProgramAndSchemaAgree gives each document of testdata/agreement.txt to both.
func TestProgramAndSchemaAgree(t *testing.T) {
	text, err := os.ReadFile("testdata/agreement.txt")
	require.NoError(t, err)
	lib := bundled(t)
	validate := compiled(t, lib)
	documents := 0
	for line := range strings.Lines(string(text)) {
		who, document, ok := strings.Cut(strings.TrimSpace(line), " | ")
		if !ok {
			require.Regexp(t, "^(#.*)?$", strings.TrimSpace(line))
			continue
		}
		documents++
		t.Run(document, func(t *testing.T) {
			data := complete(document)
			_, program := Parse("f", data, lib)
			schema := validate(data)
			got := map[[2]bool]string{{true, true}: "both", {false, false}: "neither", {true, false}: "program", {false, true}: "schema"}[[2]bool{program == nil, schema == nil}]
			only, reason, _ := strings.Cut(who, ", ")
			require.Equal(t, only, got, "the program: %v\nthe schema: %v", program, schema)
			require.Equal(t, got == "program" || got == "schema", reason != "", "an allowed disagreement has a reason")
		})
	}
	require.Greater(t, documents, 150)
}

// complete adds what a document lacks.
func complete(document string) []byte {
	if inner, ok := strings.CutPrefix(document, "{"); ok {
		document = "{" + inner[:len(inner)-1] + ", "
		return []byte(lacking(document, ", ") + "}")
	}
	return []byte(lacking(document+"\n", "\n"))
}

func lacking(document, end string) string {
	for key, value := range map[string]string{"onebar": "1", "name": "t", "workload": "{payments: 4, rate: 1/s, amount: 1 EUR}"} {
		if !regexp.MustCompile(`^\{?`+key+`:`).MatchString(document) && !strings.Contains(document, ", "+key+": {") {
			document += key + ": " + value + end
		}
	}
	return document
}

// TestExamplesOfSchema: an editor offers no threshold that is none.
func TestExamplesOfSchema(t *testing.T) {
	examples := thresholds()["examples"].([]string)
	require.Greater(t, len(examples), 30)
	for _, e := range examples {
		_, err := threshold.Parse(e)
		require.NoError(t, err, e)
	}
}
