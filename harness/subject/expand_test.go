package subject_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/subject"
)

func TestExpand(t *testing.T) {
	t.Setenv("ONEBAR_TEST_KEY", "s3cret {{port}}")
	words := map[string]string{"port": "8080", "db": "127.0.0.1:5432"}
	for name, tc := range map[string]struct{ text, want, err string }{
		"nothing":            {"as it is $HOME {x} $ {", "as it is $HOME {x} $ {", ""},
		"no secret":          {"$${HOME} $$", "${HOME} $$", ""},
		"words":              {"{{db}} and {{port}}{{port}}", "127.0.0.1:5432 and 80808080", ""},
		"a secret, once":     {"k=${ONEBAR_TEST_KEY}", "k=s3cret {{port}}", ""},
		"a missing variable": {"hush ${ONEBAR_TEST_NONE}", "", "the environment has no variable ONEBAR_TEST_NONE: set it before onebar is started"},
		"an unknown word":    {"hush {{prt}}", "", "{{prt}} is not defined here"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := subject.Expand(tc.text, words)
			require.Equal(t, tc.want, got)
			if tc.err != "" {
				require.EqualError(t, err, tc.err)
				return
			}
			require.NoError(t, err)
		})
	}
	got, err := subject.ExpandAll([]string{"a", "{{port}}"}, words)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "8080"}, got)
	_, err = subject.ExpandAll([]string{"a", "{{b}}", "${ONEBAR_TEST_NONE}"}, words)
	require.ErrorContains(t, err, "{{b}}")
	require.ErrorContains(t, err, "ONEBAR_TEST_NONE")
}
