package harness_test

import (
	"go/build"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/onebar/onebar"

// room says what the packages of a folder may import of this module and from
// outside it. The standard library is open to all.
type room struct {
	ours    []string // folders of this module
	theirs  []string // prefixes of outside packages
	because string
}

// rooms is the import table of docs/architecture.md. The longest folder that
// matches a package counts.
func rooms() map[string]room {
	return map[string]room{
		"harness":                           {ours: []string{"harness/delivery", "harness/enum", "harness/sut"}, because: "the nouns sit at the bottom"},
		"harness/delivery":                  {because: "what a radio carries when: arithmetic"},
		"harness/judge":                     {ours: []string{"harness/check", "harness/history", "harness/metric", "harness/result", "harness/story", "harness/threshold"}, because: "verdicts, figures and stories are of one history"},
		"harness/enum":                      {because: "words of enumerations: standard library only"},
		"harness/sut":                       {because: "the subject section of a scenario: standard library only"},
		"harness/history":                   {ours: []string{"harness"}, because: "one format of what happened, for writers and readers"},
		"harness/runid":                     {because: "names of payments, for clients and checks: standard library only"},
		"harness/atrest":                    {ours: []string{"harness"}, because: "a ledger is at rest when it no longer changes, whoever reads it"},
		"harness/selection":                 {ours: []string{"harness", "harness/nearest"}, because: "which runs are made, whoever makes them"},
		"harness/result":                    {ours: []string{"harness", "harness/enum", "harness/history", "harness/selection"}, because: "what is said of runs, for every report"},
		"harness/fault":                     {ours: []string{"harness"}, because: "what an event does, for scenario files, runs, sweeps and reports alike"},
		"harness/link":                      {ours: []string{"harness", "harness/delivery"}, because: "the link is arithmetic"},
		"harness/access":                    {ours: []string{"harness", "harness/link"}, because: "hosts, links and NAT are the same for any TCP: arithmetic"},
		"harness/trace":                     {ours: []string{"harness", "harness/delivery"}, because: "files of bandwidth become nouns"},
		"harness/secrets":                   {because: "values to hide are nobody's: standard library only"},
		"harness/scratch":                   {because: "folders of a process: standard library only"},
		"harness/freezing":                  {because: "a connection with a gate before it: standard library only"},
		"harness/relay":                     {because: "two connections joined: standard library only"},
		"harness/packet":                    {ours: []string{"harness", "harness/access", "harness/link", "harness/packet/linuxtcp", "harness/packet/segment", "harness/packet/sockets", "harness/packet/timerqueue", "harness/relay"}, theirs: []string{"gvisor.dev/gvisor"}, because: "gVisor lives here and in the packages below only"},
		"harness/packet/linuxtcp":           {ours: []string{"harness", "harness/access", "harness/packet/segment"}, theirs: []string{"gvisor.dev/gvisor"}, because: "arithmetic on segments: it knows no network"},
		"harness/packet/segment":            {ours: []string{"harness", "harness/access"}, theirs: []string{"gvisor.dev/gvisor"}, because: "the bytes of packets: it knows no network"},
		"harness/packet/sockets":            {ours: []string{"harness/access"}, theirs: []string{"gvisor.dev/gvisor"}, because: "one host: it knows no link"},
		"harness/packet/timerqueue":         {ours: []string{"harness/access"}, because: "events in real time: it knows no packet"},
		"harness/simnet":                    {ours: []string{"harness", "harness/access", "harness/link", "harness/simnet/events", "harness/simnet/socket", "harness/simnet/tcp", "harness/simnet/toxic", "harness/simnet/wire"}, because: "the model of TCP is ours: nothing from outside runs in a bubble unseen"},
		"harness/simnet/events":             {ours: []string{"harness/access"}, because: "events in order, whatever they do"},
		"harness/simnet/socket":             {ours: []string{"harness/access", "harness/simnet/events", "harness/simnet/tcp", "harness/simnet/wire"}, because: "what the code under test holds knows no host and no link"},
		"harness/simnet/tcp":                {ours: []string{"harness", "harness/access"}, because: "a state machine: it knows no link, no clock and no application"},
		"harness/simnet/toxic":              {ours: []string{"harness", "harness/access"}, because: "what toxics do to a stream, for any connection"},
		"harness/simnet/wire":               {ours: []string{"harness/access", "harness/simnet/tcp"}, because: "the bytes of packets know no network"},
		"harness/toxi":                      {ours: []string{"harness", "harness/link", "harness/relay"}, theirs: []string{"github.com/Shopify/toxiproxy", "github.com/rs/zerolog"}, because: "toxiproxy lives here and in control only"},
		"harness/toxi/control":              {ours: []string{"harness", "harness/relay"}, theirs: []string{"github.com/Shopify/toxiproxy", "github.com/rs/zerolog"}, because: "toxiproxy's API knows the link by a name only"},
		"harness/enginetest":                {because: "the contract of an engine: tests alone"},
		"harness/enginetest/bench":          {ours: []string{"harness"}, theirs: []string{"github.com/stretchr/testify"}, because: "what tests of networks do over and over"},
		"harness/bubble":                    {because: "virtual time for any function: standard library only"},
		"harness/disk":                      {ours: []string{"harness", "harness/scratch"}, theirs: []string{"github.com/ncruces/go-sqlite3"}, because: "a disk knows no payment, only SQLite's file layer"},
		"harness/pcap":                      {because: "captures are a file format: standard library only"},
		"harness/testneeds":                 {because: "a test asks for a program: standard library only"},
		"harness/nearest":                   {because: "words are nobody's: standard library only"},
		"harness/yamltext":                  {theirs: []string{"github.com/goccy/go-yaml"}, because: "the parser is asked in one way"},
		"harness/radio":                     {ours: []string{"harness", "harness/enum", "harness/keys", "harness/quantity"}, because: "joules come from packet times; it opens no files"},
		"harness/metric":                    {ours: []string{"harness", "harness/fault", "harness/history", "harness/interval", "harness/radio", "harness/result"}, because: "figures come from the history"},
		"harness/threshold":                 {ours: []string{"harness", "harness/enum", "harness/metric", "harness/nearest", "harness/result"}, because: "expectations compare figures; they read no history"},
		"harness/check":                     {ours: []string{"harness", "harness/attempts", "harness/history", "harness/impairment", "harness/interval", "harness/result", "harness/runid"}, because: "verdicts come from the history"},
		"harness/canary":                    {ours: []string{"harness", "harness/cases", "harness/check", "harness/explore", "harness/history", "harness/result", "harness/sweep"}, because: "planted bugs, and whether what is there finds them"},
		"harness/attempts":                  {ours: []string{"harness", "harness/history", "harness/interval", "harness/result"}, because: "how attempts ended, from the history"},
		"harness/interval":                  {because: "arithmetic on times knows nothing else"},
		"harness/impairment":                {ours: []string{"harness", "harness/fault", "harness/history", "harness/interval", "harness/result"}, because: "what the links did, from the history: it knows no payment"},
		"harness/workload":                  {ours: []string{"harness", "harness/history"}, because: "users know payers, not systems"},
		"harness/quantity":                  {ours: []string{"harness"}, because: "values with a unit: text in, number out"},
		"harness/keys/leaf":                 {ours: []string{"harness/quantity"}, because: "values: it knows no document"},
		"harness/keys/key":                  {ours: []string{"harness/keys/leaf"}, because: "keys of structs: it knows no document"},
		"harness/keys":                      {ours: []string{"harness/keys/key", "harness/keys/leaf", "harness/nearest", "harness/quantity", "harness/yamltext"}, theirs: []string{"github.com/goccy/go-yaml"}, because: "documents and structs: it knows no scenario"},
		"harness/spec":                      {ours: []string{"harness", "harness/delivery", "harness/fault", "harness/keys", "harness/keys/leaf", "harness/metric", "harness/quantity", "harness/spec/endpoint", "harness/spec/library", "harness/threshold", "harness/yamltext"}, because: "files become nouns; thresholds are threshold's"},
		"harness/spec/library":              {ours: []string{"harness", "harness/delivery", "harness/keys", "harness/keys/leaf", "harness/quantity", "harness/radio", "harness/trace", "harness/yamltext"}, because: "what files name: it knows no event and no subject"},
		"harness/spec/endpoint":             {ours: []string{"harness/exchange", "harness/keys", "harness/sut"}, because: "the subject's section knows no other section"},
		"harness/nemesis":                   {ours: []string{"harness", "harness/fault"}, because: "random faults are events: arithmetic"},
		"harness/run":                       {ours: []string{"harness", "harness/atrest", "harness/fault", "harness/history", "harness/judge", "harness/nemesis", "harness/pcap", "harness/result", "harness/scratch", "harness/threshold", "harness/workload"}, because: "the walk knows no engine and no subject"},
		"harness/coverage":                  {ours: []string{"harness", "harness/fault", "harness/history", "harness/result"}, because: "situations are counted from the history"},
		"harness/cases":                     {ours: []string{"harness", "harness/bubble", "harness/coverage", "harness/delivery", "harness/history", "harness/nemesis", "harness/result", "harness/run", "harness/scratch", "harness/simnet"}, because: "it makes runs, many at a time, and knows no subject"},
		"harness/plan":                      {ours: []string{"harness", "harness/check", "harness/quantity"}, because: "what a run will do follows from its scenario; it makes none"},
		"harness/story":                     {ours: []string{"harness", "harness/history", "harness/result"}, because: "what happened to one payment comes from the history"},
		"harness/cases/casestest":           {ours: []string{"harness", "harness/cases", "harness/disk", "harness/sut", "reference"}, because: "the reference pair, for tests of what makes many runs"},
		"harness/explore":                   {ours: []string{"harness", "harness/bubble", "harness/cases", "harness/coverage", "harness/result", "harness/selection"}, because: "many seeds of some scenarios: it knows no engine and no subject"},
		"harness/sweep":                     {ours: []string{"harness", "harness/cases", "harness/fault", "harness/result", "harness/selection", "harness/sut"}, because: "each fault at each point of one scenario: it knows no engine and no subject"},
		"harness/baseline":                  {ours: []string{"harness", "harness/metric", "harness/result", "harness/sut"}, theirs: []string{"github.com/shirou/gopsutil/v4"}, because: "figures are compared by what was measured: it knows no engine"},
		"harness/agreement":                 {ours: []string{"harness", "harness/history", "harness/metric", "harness/result"}, because: "two engines are compared by what was measured"},
		"harness/shrink":                    {ours: []string{"harness", "harness/bubble", "harness/cases", "harness/fault", "harness/result", "harness/run"}, because: "smaller scenarios that fail: it knows no engine and no subject"},
		"harness/proxy/console":             {ours: []string{"harness", "harness/nearest", "harness/proxy", "harness/quantity", "harness/spec"}, theirs: []string{"golang.org/x/term"}, because: "keys and figures of a link; the terminal is handed in"},
		"harness/radio/capture":             {ours: []string{"harness", "harness/pcap", "harness/radio"}, because: "captures meet radio models here only"},
		"harness/proxy":                     {ours: []string{"harness", "harness/relay"}, because: "a link alone, on any engine"},
		"harness/draft":                     {ours: []string{"harness/exchange"}, theirs: []string{"github.com/getkin/kin-openapi"}, because: "a text is made of answers; OpenAPI is read here only"},
		"harness/doctor":                    {ours: []string{"harness", "harness/exchange", "harness/history", "harness/result", "harness/run", "harness/secrets", "harness/sut"}, because: "one payment is followed; subject and engine are handed in"},
		"harness/subject":                   {ours: []string{"harness", "harness/relay", "harness/sut"}, because: "external parts are put together by their seams alone"},
		"harness/exchange":                  {ours: []string{"harness", "harness/exchange/language", "harness/sut"}, theirs: []string{"github.com/expr-lang/expr/types"}, because: "what is sent and what it means; it opens no connection"},
		"harness/exchange/language":         {ours: []string{"harness/nearest"}, theirs: []string{"github.com/expr-lang/expr"}, because: "the language of expressions lives here only"},
		"harness/subject/httpapi/transport": {ours: []string{"harness", "harness/exchange", "harness/secrets", "harness/subject", "harness/sut"}, because: "the harness speaks HTTP in one place"},
		"harness/subject/httpapi":           {ours: []string{"harness", "harness/exchange", "harness/exchange/language", "harness/runid", "harness/subject", "harness/subject/httpapi/transport", "harness/sut"}, because: "clients and ledgers send requests by the transport alone"},
		"harness/subject/httpapi/conform":   {ours: []string{"harness", "harness/atrest", "harness/exchange", "harness/result", "harness/subject", "harness/subject/httpapi", "harness/subject/httpapi/transport"}, because: "tests of idempotency keys send the requests of the client"},
		"harness/subject/container":         {ours: []string{"harness/subject", "harness/sut"}, theirs: []string{"github.com/testcontainers/testcontainers-go", "github.com/moby/moby"}, because: "testcontainers lives here only"},
		"harness/subject/database":          {ours: []string{"harness", "harness/secrets", "harness/subject", "harness/sut", "harness/testneeds"}, theirs: []string{"github.com/go-sql-driver/mysql", "github.com/jackc/pgx/v5", "github.com/ncruces/go-sqlite3", "github.com/stretchr/testify"}, because: "drivers of databases live here only"},
		"harness/subject/program":           {ours: []string{"harness", "harness/subject", "harness/subject/netns", "harness/sut"}, because: "external programs are started and spoken to in one place"},
		"harness/subject/netns":             {ours: []string{"harness"}, theirs: []string{"golang.org/x/sys"}, because: "a namespace and a device, for any program"},
		"harness/mutants":                   {ours: []string{"harness", "harness/cases", "harness/explore", "harness/result", "harness/sweep"}, because: "bugs in any package: it compiles them and contains none"},
		"harness/mutants/service":           {ours: []string{"harness", "harness/onebartest"}, because: "a service as a user has it on the bench"},
		"harness/onebartest":                {ours: []string{"harness", "harness/bubble", "harness/cases", "harness/explore", "harness/freezing", "harness/onebartest/message", "harness/relay", "harness/result", "harness/shrink", "harness/spec", "harness/sut", "harness/sweep", "scenarios"}, because: "trials in go test: it knows no subject but the user's"},
		"harness/onebartest/message":        {ours: []string{"harness/bubble", "harness/cases", "harness/explore", "harness/result", "harness/sweep"}, because: "text about runs: it makes none"},
		"scenarios":                         {because: "files to embed"},
		"reports":                           {ours: []string{"harness", "harness/plan", "harness/result", "harness/selection", "reports/ci", "reports/format", "reports/markdown", "reports/outcome", "reports/tables"}, because: "a report sees results and plans only"},
		"reports/ci":                        {ours: []string{"harness/result", "reports/format"}, because: "a CI reads suites of cases, whatever was run"},
		"reports/files":                     {because: "a file is whole or as it was, whatever is in it: standard library only"},
		"reports/merge":                     {ours: []string{"harness/explore", "harness/result", "harness/selection", "harness/sweep", "reports", "reports/outcome"}, because: "files of shards become one result"},
		"reports/outcome":                   {ours: []string{"harness", "harness/result", "harness/selection", "reports/ci", "reports/files", "reports/format", "reports/markdown", "reports/tables"}, because: "one list of formats for whatever a command has found"},
		"reports/markdown":                  {ours: []string{"harness", "reports/format"}, because: "text in Markdown, of a bounded size, whatever it says"},
		"reports/format":                    {ours: []string{"harness", "harness/result"}, theirs: []string{"golang.org/x/term", "github.com/mattn/go-runewidth"}, because: "values become text in one way"},
		"reports/tables":                    {ours: []string{"harness", "harness/result", "reports/format"}, because: "a table sees results only"},
		"reports/progress":                  {ours: []string{"harness", "harness/result", "reports/format"}, theirs: []string{"github.com/vbauerster/mpb/v8", "github.com/vbauerster/cupwriter", "golang.org/x/term"}, because: "mpb lives here only"},
		"reference":                         {ours: []string{"harness", "harness/bubble", "harness/disk", "harness/freezing", "reference/pay", "reference/vault", "reference/channel/noise", "reference/channel/server", "reference/bank", "reference/outbox", "reference/retry", "reference/sqlite", "reference/wallet"}, theirs: []string{"golang.org/x/sync"}, because: "the adapter alone knows both worlds"},
		"reference/pay":                     {because: "what wallet and bank talk about knows no channel, no disk and no library"},
		"reference/vault":                   {ours: []string{"reference/pay"}, because: "private keys are next to the standard library's cryptography and nothing else"},
		"reference/vault/vaulttest":         {ours: []string{"reference/vault"}, because: "a vault for tests"},
		"reference/wire":                    {ours: []string{"reference/pay", "reference/wire"}, theirs: []string{"google.golang.org/protobuf"}, because: "one encoding for every channel"},
		"reference/channel":                 {ours: []string{"reference/pay"}, because: "the seam of the channels knows none of them"},
		"reference/channel/channeltest":     {because: "the contract of a channel: tests alone"},
		"reference/channel/noise":           {ours: []string{"reference/pay", "reference/wire", "reference/channel", "reference/vault"}, theirs: []string{"github.com/flynn/noise"}, because: "a channel could be deployed"},
		"reference/channel/server":          {ours: []string{"reference/pay", "reference/channel"}, because: "one accept loop and its limits for every stream channel; it knows none of them, and no ledger"},
		"reference/sqlite":                  {theirs: []string{"github.com/ncruces/go-sqlite3"}, because: "the pair knows SQLite in one place, which knows no payment"},
		"reference/sqlite/storetest":        {theirs: []string{"github.com/ncruces/go-sqlite3"}, because: "a file layer for tests"},
		"reference/bank":                    {ours: []string{"reference/pay", "reference/sqlite"}, because: "the ledger knows no channel"},
		"reference/outbox":                  {ours: []string{"reference/pay", "reference/sqlite"}, because: "the durable queue knows no network"},
		"reference/retry":                   {because: "a schedule is arithmetic: standard library only"},
		"reference/wallet":                  {ours: []string{"reference/pay", "reference/channel", "reference/outbox", "reference/retry", "reference/vault"}, because: "the wallet could be deployed; it knows the seam of the channels, and no channel"},
		"reference/cli":                     {ours: []string{"reference/pay", "reference/vault", "reference/channel/noise", "reference/channel/server", "reference/bank", "reference/outbox", "reference/sqlite", "reference/wallet"}, theirs: []string{"github.com/spf13/cobra"}, because: "the pair as ordinary programs, without the harness"},
		"cmd":                               {ours: []string{"harness", "reference", "reports", "scenarios"}, theirs: []string{"github.com/spf13", "golang.org/x/sync"}, because: "cmd wires"},
	}
}

// TestImportTable holds every package to its room. It reads the files
// themselves: go list in a subprocess would let the test cache serve a stale
// pass.
func TestImportTable(t *testing.T) {
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	table := rooms()
	seen := map[string]bool{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "out" || name == "bin" || name == "docs") {
			return filepath.SkipDir
		}
		pkg, err := build.ImportDir(path, 0)
		if _, empty := err.(*build.NoGoError); empty { //nolint:errorlint // ImportDir returns it bare
			return nil
		}
		require.NoError(t, err)
		folder, err := filepath.Rel(root, path)
		require.NoError(t, err)
		name, r, ok := find(table, filepath.ToSlash(folder))
		if !ok {
			t.Errorf("%s is in no room: add it to the import table", folder)
			return nil
		}
		seen[name] = true
		for _, imported := range pkg.Imports {
			if !allowed(r, name, imported) {
				t.Errorf("%s imports %s, which its room forbids (%s)", folder, imported, r.because)
			}
		}
		return nil
	})
	require.NoError(t, err)
	for name := range table {
		if !seen[name] {
			t.Errorf("the import table has a room %s without a package", name)
		}
	}
}

func find(table map[string]room, folder string) (string, room, bool) {
	for name := folder; name != "."; name = filepath.ToSlash(filepath.Dir(name)) {
		if r, ok := table[name]; ok {
			return name, r, true
		}
	}
	return "", room{}, false
}

func allowed(r room, name, imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	if !strings.Contains(first, ".") {
		return true // standard library
	}
	if ours, ok := strings.CutPrefix(imported, module+"/"); ok {
		for _, f := range r.ours {
			if ours == f || (name == "cmd" || f == name) && strings.HasPrefix(ours, f+"/") {
				return true
			}
		}
		return false
	}
	for _, prefix := range r.theirs {
		if imported == prefix || strings.HasPrefix(imported, prefix+"/") {
			return true
		}
	}
	return false
}
