package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness/draft"
	"github.com/onebar/onebar/harness/spec"
	"github.com/onebar/onebar/reports/format"
)

// starting is the command line of onebar init.
type starting struct {
	openAPI, pay string
	force        bool
}

func newInit() *cobra.Command {
	var s starting
	cmd := &cobra.Command{
		Use:   "init FILE.yaml",
		Short: "Write a first scenario for your own HTTP endpoint",
		Long: `Write a commented scenario for an HTTP endpoint. onebar asks a few questions, or
reads an OpenAPI document. Press enter to accept the answer in brackets. Then try it:

  onebar doctor FILE.yaml`,
		Example: `  onebar init shop.yaml
  onebar init shop.yaml --openapi openapi.yaml
  onebar init shop.yaml --openapi openapi.yaml --pay /v1/charges`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return s.run(cmd, args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&s.openAPI, "openapi", "", "OpenAPI 3 document of the endpoint, instead of questions")
	f.StringVar(&s.pay, "pay", "", "with --openapi: path of the POST that pays")
	f.BoolVar(&s.force, "force", false, "overwrite an existing file")
	return cmd
}

func (s *starting) run(cmd *cobra.Command, file string) error {
	if s.pay != "" && s.openAPI == "" {
		return errors.New("--pay goes with --openapi")
	}
	if _, err := os.Stat(file); !s.force && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already: give another name, or --force", file)
	}
	var e draft.Endpoint
	var guessed []string
	var err error
	if s.openAPI == "" {
		e, err = draft.Interview(cmd.InOrStdin(), cmd.OutOrStdout(), nameOf(file))
	} else {
		var data []byte
		if data, err = os.ReadFile(s.openAPI); err == nil {
			e, guessed, err = draft.FromOpenAPI(data, s.pay)
		}
	}
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := e.Write(&text); err != nil {
		return err
	}
	if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the scenario: %w", err)
	}
	out := cmd.OutOrStdout()
	for _, g := range guessed {
		fmt.Fprintf(out, "guessed: %s\n", format.Clean(g))
	}
	lib := library()
	if _, err := spec.Parse(file, text.Bytes(), lib); err != nil {
		return fmt.Errorf("wrote %s, and it needs to be mended:\n%w", file, err)
	}
	fmt.Fprintf(out, "wrote %s: read it, correct what is marked \"check\", and then\n\n  onebar doctor %s\n", file, quote(file))
	return nil
}

// nameOf returns the name of the scenario in a file: the file's, in letters that a
// scenario's name may have.
func nameOf(file string) string {
	name := strings.ToLower(strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)))
	name = strings.TrimLeft(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, name), "-")
	return cmp.Or(name, "my-api")
}
