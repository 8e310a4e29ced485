package spec

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/onebar/onebar/harness"
)

// The way back of subject.go, subject_http.go and subject_programs.go.

func (c *composer) subject(s harness.SubjectConfig) subject {
	var v subject
	for _, b := range s.Broken {
		v.Broken = append(v.Broken, wordOf(b))
		v.place = here().place
	}
	if x := s.Client; x != nil {
		v.place, v.Client = here().place, subjectClient{place: here().place}
		if x.HTTP != nil {
			v.Client.HTTP = c.httpClient(*x.HTTP)
		}
		if x.Exec != nil {
			v.Client.Exec = c.execClient(*x.Exec)
		}
	}
	if x := s.Server; x != nil {
		v.place, v.Server = here().place, subjectServer{place: here().place, Address: verbatimOf(x.Address)}
		if x.Exec != nil {
			v.Server.Exec = c.execServer(*x.Exec)
		}
		if x.Container != nil {
			v.Server.Container = c.container(*x.Container)
		}
	}
	if x := s.Ledger; x != nil {
		v.place, v.Ledger = here().place, subjectLedger{place: here().place, None: yesOf(x.None)}
		if x.HTTP != nil {
			v.Ledger.HTTP = c.httpLedger(*x.HTTP)
		}
		if x.Exec != nil {
			v.Ledger.Exec = c.program(*x.Exec)
		}
		if q := x.SQL; q != nil {
			v.Ledger.SQL = sqlLedger{
				place: here().place, Driver: wordOf(q.Driver), DSN: verbatimOf(q.DSN),
				Query: verbatimOf(q.Query), Balances: verbatimOf(q.Balances),
			}
		}
	}
	v.Terminate = c.terminate(s.Terminate)
	return v
}

func (c *composer) terminate(x *harness.TerminateConfig) terminate {
	if x == nil {
		return terminate{}
	}
	v := terminate{place: here().place, Certificate: verbatimOf(c.moved(x.Certificate)), Key: verbatimOf(c.moved(x.Key))}
	if x.Upstream != (harness.HTTPTLS{}) {
		v.Upstream = c.tls(&x.Upstream)
	}
	return v
}

func verbatimOf(s string) verbatim {
	if s == "" {
		return verbatim{}
	}
	return verbatim{here(), s}
}

func verbatimsOf(list []string) []verbatim {
	var v []verbatim
	for _, s := range list {
		v = append(v, verbatim{here(), s})
	}
	return v
}

func variablesOf(m map[string]string) variables {
	if len(m) == 0 {
		return variables{}
	}
	return variables{here().place, m}
}

func sourceOf(s string) source { return source{verbatimOf(s)} }

func sourcesOf(m map[string]string) sources {
	if len(m) == 0 {
		return sources{}
	}
	v := sources{here().place, map[string]*source{}}
	for name, s := range m {
		v.m[name] = &source{verbatim{here(), s}}
	}
	return v
}

func (c *composer) httpClient(x harness.HTTPClient) httpClient {
	v := httpClient{
		place: here().place, Preset: wordOf(x.Preset), URL: verbatimOf(x.URL), TLS: c.tls(x.TLS), Headers: sourcesOf(x.Headers),
		Pay: httpPay{
			here().place, verbatimOf(x.Pay.Method), sourceOf(x.Pay.Path), sourcesOf(x.Pay.Headers),
			sourceOf(x.Pay.Body), sourcesOf(x.Pay.Form), sourcesOf(x.Pay.Capture),
		},
		Outcomes: rulesFrom(x.Outcomes), Key: wordOf(x.Key), KeyHeader: verbatimOf(x.KeyHeader), KeyQuoted: yesOf(x.KeyQuoted),
		Timeout: durationOf(x.Timeout), GiveUp: durationOf(x.GiveUp), Retry: retryOf(x.Retry),
	}
	for _, s := range x.Setup {
		v.Setup = append(v.Setup, httpSetup{
			here().place, wordOf(s.For), verbatimOf(s.Method), sourceOf(s.Path), sourcesOf(s.Headers),
			sourceOf(s.Body), sourcesOf(s.Form), sourcesOf(s.Capture), sourceOf(s.Expect), sourceOf(s.Account),
		})
	}
	if p := x.Poll; p != nil {
		v.Poll = httpPoll{
			here().place, verbatimOf(p.Method), sourceOf(p.Path), sourcesOf(p.Headers), sourceOf(p.Body), sourcesOf(p.Form),
			durationOf(p.Every), countOf(p.Limit), rulesFrom(p.Outcomes),
		}
	}
	if b := x.Callback; b != nil {
		v.Callback = httpCall{here().place, sourceOf(b.Payment), rulesFrom(b.Outcomes)}
	}
	return v
}

func (c *composer) tls(x *harness.HTTPTLS) httpTLS {
	if x == nil {
		return httpTLS{}
	}
	v := httpTLS{place: here().place, Pin: verbatimOf(x.Pin), ServerName: verbatimOf(x.Name), Insecure: yesOf(x.Insecure)}
	if x.CA != "" {
		v.CA = verbatimOf(c.moved(x.CA))
	}
	return v
}

func rulesFrom(list []harness.HTTPRule) []httpRule {
	var v []httpRule
	for _, r := range list {
		v = append(v, httpRule{here().place, sourceOf(r.When), wordOf(r.Outcome)})
	}
	return v
}

func retryOf(x harness.HTTPRetry) httpRetry {
	v := httpRetry{
		Attempts: countOf(x.Attempts), Wait: durationOf(x.Wait), Cap: durationOf(x.Cap), RetryAfter: wordOf(x.RetryAfter),
	}
	if x.Factor != 0 {
		v.Factor = number{here(), x.Factor}
	}
	if x.Jitter != nil {
		v.Jitter = share{here(), *x.Jitter}
	}
	for _, w := range x.On {
		v.On = append(v.On, wordOf(w))
	}
	if len(givenOf(&v)) > 0 {
		v.place = here().place
	}
	return v
}

func (c *composer) httpLedger(x harness.HTTPLedger) httpLedger {
	f := x.Fields
	v := httpLedger{
		place: here().place, URL: verbatimOf(x.URL), TLS: c.tls(x.TLS), Headers: sourcesOf(x.Headers), Path: sourceOf(x.Path),
		Items: sourceOf(x.Items), Where: sourceOf(x.Where), Next: sourceOf(x.Next), Timeout: durationOf(x.Timeout),
		Fields: httpFields{
			here().place, sourceOf(f.ID), sourceOf(f.Amount), sourceOf(f.Major), sourceOf(f.Currency),
			sourceOf(f.Payer), sourceOf(f.Payee), sourceOf(f.Payment), sourceOf(f.Order),
		},
	}
	if b := x.Balances; b != nil {
		v.Balances = httpBalances{here().place, sourceOf(b.Path), sourceOf(b.Items), sourceOf(b.Account), sourceOf(b.Amount), sourceOf(b.Major)}
	}
	return v
}

func (c *composer) execClient(x harness.ExecClientConfig) execClient {
	return execClient{
		here().place, verbatimsOf(x.Command), variablesOf(x.Env), c.folder(x.Dir),
		yesOf(x.Shared), yesOf(x.Kernel), yesOf(x.Holds),
	}
}

func (c *composer) execServer(x harness.ExecServerConfig) execServer {
	return execServer{
		here().place, verbatimsOf(x.Command), variablesOf(x.Env), c.folder(x.Dir), verbatimOf(x.Address), readyOf(x.Ready),
	}
}

func (c *composer) program(x harness.ProgramConfig) program {
	return program{here().place, verbatimsOf(x.Command), variablesOf(x.Env), c.folder(x.Dir)}
}

func readyOf(x harness.ReadyConfig) ready {
	if x == (harness.ReadyConfig{}) {
		return ready{}
	}
	return ready{here().place, verbatimOf(x.HTTP), countOf(x.Status), verbatimOf(x.Line), durationOf(x.Within)}
}

func (c *composer) container(x harness.ContainerConfig) container {
	v := container{
		place: here().place, Image: verbatimOf(x.Image), Dockerfile: verbatimOf(x.Dockerfile),
		Command: verbatimsOf(x.Command), Env: variablesOf(x.Env), Port: countOf(x.Port), Ready: readyOf(x.Ready),
	}
	if x.Build != "" {
		v.Build = verbatimOf(c.moved(x.Build))
	}
	if len(x.Mounts) > 0 {
		mounts := map[string]string{}
		for inside, host := range x.Mounts {
			mounts[inside] = c.moved(host)
		}
		v.Mounts = variablesOf(mounts)
	}
	for name, b := range x.Beside {
		if v.Beside.m == nil {
			v.Beside = containers{here().place, map[string]*container{}}
		}
		beside := c.container(b)
		v.Beside.m[name] = &beside
	}
	return v
}

// folder returns the working folder of a program: that of its scenario, if none is
// named, also when the file is elsewhere.
func (c *composer) folder(dir string) verbatim {
	if dir == "" && filepath.Dir(c.from) == filepath.Dir(c.file) {
		return verbatim{}
	}
	return verbatimOf(c.moved(dir))
}

// moved returns how a file or folder that the scenario names is named from where
// its file will be.
func (c *composer) moved(name string) string {
	if filepath.IsAbs(name) || strings.Contains(name, "{{") || filepath.Dir(c.from) == filepath.Dir(c.file) {
		return name
	}
	name = filepath.Join(filepath.Dir(c.from), name)
	short, err := filepath.Rel(filepath.Dir(c.file), name)
	if err != nil { // one of the two folders is absolute
		short, err = filepath.Abs(name)
	}
	if err != nil {
		c.errs = append(c.errs, fmt.Errorf("file %s: %w", name, err))
	}
	return filepath.ToSlash(short)
}

// settled makes the files and folders that a subject names absolute, and takes out
// what a file does not keep: the lines of rules. The subject is nobody else's.
func settled(s *harness.SubjectConfig, file string) {
	base, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		base = filepath.Dir(file)
	}
	from := func(name *string) {
		if !filepath.IsAbs(*name) && !strings.Contains(*name, "{{") {
			*name = filepath.Join(base, *name)
		}
	}
	ca := func(t *harness.HTTPTLS) {
		if t != nil && t.CA != "" {
			from(&t.CA)
		}
	}
	if c := s.Client; c != nil && c.HTTP != nil {
		ca(c.HTTP.TLS)
		withoutLines(c.HTTP)
	}
	if c := s.Client; c != nil && c.Exec != nil {
		from(&c.Exec.Dir)
	}
	if v := s.Server; v != nil && v.Exec != nil {
		from(&v.Exec.Dir)
	}
	if v := s.Server; v != nil && v.Container != nil {
		settledContainer(v.Container, from)
	}
	if l := s.Ledger; l != nil && l.HTTP != nil {
		ca(l.HTTP.TLS)
	}
	if t := s.Terminate; t != nil {
		from(&t.Certificate)
		from(&t.Key)
		ca(&t.Upstream)
	}
	if l := s.Ledger; l != nil && l.Exec != nil {
		from(&l.Exec.Dir)
	}
}

func settledContainer(c *harness.ContainerConfig, from func(*string)) {
	if c.Build != "" {
		from(&c.Build)
	}
	for inside, host := range c.Mounts {
		from(&host)
		c.Mounts[inside] = host
	}
	for name, b := range c.Beside {
		settledContainer(&b, from)
		c.Beside[name] = b
	}
}

func withoutLines(c *harness.HTTPClient) {
	rules := [][]harness.HTTPRule{c.Outcomes}
	if c.Poll != nil {
		rules = append(rules, c.Poll.Outcomes)
	}
	if c.Callback != nil {
		rules = append(rules, c.Callback.Outcomes)
	}
	for _, list := range rules {
		for i := range list {
			list[i].Line = 0
		}
	}
	for i := range c.Setup {
		c.Setup[i].Line = 0
	}
}
