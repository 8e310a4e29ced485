package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestThirdPartyLicences holds docs/third-party.md against the modules that are
// linked into the program on each platform. With ONEBAR_UPDATE=1 it writes the page.
func TestThirdPartyLicences(t *testing.T) {
	if testing.Short() {
		t.Skip("go list takes over a second")
	}
	const page, mark = "../../docs/third-party.md", "<!-- modules -->\n"
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	head, got, ok := strings.Cut(string(text), mark)
	require.True(t, ok, "%s has no line %s", page, mark)
	want := "\n| module | version | licence |\n|---|---|---|\n"
	modules := linked(t)
	require.Greater(t, len(modules), 50)
	for _, line := range slices.Sorted(maps.Keys(modules)) {
		path, version, _ := strings.Cut(line, " ")
		want += fmt.Sprintf("| %s | %s | %s |\n", path, version, licence(t, path, modules[line]))
	}
	if os.Getenv("ONEBAR_UPDATE") != "" {
		require.NoError(t, os.WriteFile(page, []byte(head+mark+want), 0o644))
		return
	}
	require.Equal(t, want, got, "the modules changed: run make generate")
}

// linked returns the folders of the modules in the program, by "path version".
func linked(t *testing.T) map[string]string {
	t.Helper()
	modules := map[string]string{}
	for _, system := range []string{"linux", "darwin", "windows"} {
		list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f",
			"{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}", ".")
		list.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
		list.Stderr = os.Stderr
		out, err := list.Output()
		require.NoError(t, err, "go list for %s", system)
		for line := range strings.Lines(string(out)) {
			if name, dir, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
				modules[name] = dir
			}
		}
	}
	return modules
}

// licence returns the SPDX identifiers of a module's licence files, and NOTICE if
// it has one. A text it does not know fails the test.
func licence(t *testing.T, module, dir string) string {
	t.Helper()
	found := map[string]bool{}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	notice := ""
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		switch base, ext, _ := strings.Cut(name, "."); {
		case e.IsDir() || ext == "DOCS":
		case base == "NOTICE":
			notice = "; NOTICE"
		case base == "LICENSE", base == "LICENCE", base == "COPYING", base == "UNLICENSE":
			text, err := os.ReadFile(filepath.Join(dir, e.Name()))
			require.NoError(t, err)
			for _, id := range recognise(string(text)) {
				found[id] = true
			}
		}
	}
	require.NotEmpty(t, found, "%s has no licence that is known here: read the files in %s and teach recognise", module, dir)
	return strings.Join(slices.Sorted(maps.Keys(found)), ", ") + notice
}

// recognise returns the SPDX identifiers of the licences whose typical sentences are
// in the text, see https://spdx.org/licenses.
func recognise(text string) []string {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	has := func(s string) bool { return strings.Contains(text, s) }
	granted := has("permission is hereby granted, free of charge")
	bsd := has("redistribution and use in source and binary forms")
	kept := has("the above copyright notice and this permission notice")
	endorse := has("used to endorse or promote")
	var ids []string
	for _, l := range []struct {
		id    string
		there bool
	}{
		{"Apache-2.0", has("apache license") && has("version 2.0")},
		{"BSD-2-Clause", bsd && !endorse},
		{"BSD-3-Clause", bsd && endorse},
		{"ISC", has("permission to use, copy, modify, and/or distribute this software")},
		{"MIT", granted && kept},
		{"MIT-0", granted && !kept},
		{"MPL-2.0", has("mozilla public license") && has("version 2.0")},
		{"Unlicense", has("free and unencumbered software")},
	} {
		if l.there {
			ids = append(ids, l.id)
		}
	}
	return ids
}

func TestRecognise(t *testing.T) {
	require.Equal(t, []string{"MIT"}, recognise("Permission is hereby\n granted, free of charge, to any.\nThe above copyright notice and this permission notice shall be included"))
	require.Equal(t, []string{"BSD-2-Clause"}, recognise("Redistribution and use in source and binary forms, with or without"))
	require.Empty(t, recognise("All rights reserved."))
}
