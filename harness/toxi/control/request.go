package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/Shopify/toxiproxy/v2/toxics"

	"github.com/onebar/onebar/harness"
)

// prepare does what a request asks for and toxiproxy cannot do: it sets the profile
// of the link, and opens and closes the listener. It returns the body for toxiproxy, or
// why the request is refused. A request that toxiproxy refuses is left to it.
func (k *Proxy) prepare(r *http.Request, body []byte) ([]byte, error) {
	change := r.Method == http.MethodPost || r.Method == http.MethodPatch
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case r.Method == http.MethodDelete && len(path) == 2:
		return nil, k.single()
	case !change:
	case r.URL.Path == "/reset" && r.Method == http.MethodPost:
		return body, k.front.open(r.Context())
	case r.URL.Path == "/populate":
		return k.populate(body)
	case r.URL.Path == "/proxies":
		return nil, k.single()
	case path[0] != "proxies" || len(path) < 2 || path[1] != k.config.Name:
	case len(path) == 2:
		return k.update(r, body)
	case len(path) == 3:
		return body, k.toxic(body, nil)
	case len(path) == 4:
		if old := k.proxy.Toxics.GetToxic(path[3]); old != nil {
			return body, k.toxic(body, old)
		}
	}
	return body, nil
}

// single is the error of a request for another proxy.
func (k *Proxy) single() error {
	return fmt.Errorf("onebar has the one proxy %q: start another onebar for another upstream", k.config.Name)
}

// read reads JSON as toxiproxy does: what follows the first value is ignored. It reports
// whether toxiproxy can read it, which otherwise says what is wrong.
func read(body []byte, to any) bool { return json.NewDecoder(bytes.NewReader(body)).Decode(to) == nil }

// described is a proxy in a request.
type described struct {
	Name     string `json:"name"`
	Listen   string `json:"listen"`
	Upstream string `json:"upstream"`
	Enabled  *bool  `json:"enabled"`
}

// ours returns an error unless a description is that of the one proxy. An empty part
// is any.
func (k *Proxy) ours(d described) error {
	if d.Name != "" && d.Name != k.config.Name {
		return k.single()
	}
	for _, p := range []struct{ what, got, want, given string }{
		{"listen", d.Listen, k.proxy.Listen, k.config.Listen},
		{"upstream", d.Upstream, k.config.Upstream, k.config.Upstream},
	} {
		if p.got == "" || p.got == p.want || p.got == p.given {
			continue
		}
		if a, err := net.ResolveTCPAddr("tcp", p.got); err != nil || a.String() != p.want {
			return fmt.Errorf("%s of %q is %s, and %s is another: start another onebar --%s %[4]s", p.what, k.config.Name, p.want, p.got, p.what)
		}
	}
	return nil
}

// populate returns a request for the one proxy as it is, which changes nothing.
func (k *Proxy) populate(body []byte) ([]byte, error) {
	var asked []described
	if !read(body, &asked) {
		return body, nil
	}
	for i, d := range asked {
		if d.Name == "" || d.Upstream == "" {
			return body, nil
		}
		if err := k.ours(d); err != nil {
			return nil, err
		}
		asked[i].Listen, asked[i].Upstream = k.proxy.Listen, k.proxy.Upstream
	}
	return json.Marshal(asked)
}

// update enables or disables the proxy. It returns a request that changes nothing, which
// toxiproxy answers.
func (k *Proxy) update(r *http.Request, body []byte) ([]byte, error) {
	var d described
	if !read(body, &d) {
		return body, nil
	}
	d.Name = "" // toxiproxy ignores it
	if err := k.ours(d); err != nil {
		return nil, err
	}
	if d.Enabled != nil && *d.Enabled {
		if err := k.front.open(r.Context()); err != nil {
			return nil, err
		}
	} else if d.Enabled != nil {
		k.front.disable()
	}
	return []byte("{}"), nil
}

// toxic checks a new toxic, or the change of one, and sets the profile of a link toxic.
// toxiproxy checks no ranges: some values make it panic, or loop, at the next byte.
func (k *Proxy) toxic(body []byte, old *toxics.ToxicWrapper) error {
	w := &toxics.ToxicWrapper{Toxic: new(toxics.NoopToxic)}
	if !read(body, w) {
		return nil
	}
	if old != nil {
		w.Type = old.Type
	}
	if !slices.Contains(types(), w.Type) {
		return fmt.Errorf("toxic type %q is not one of %s", w.Type, strings.Join(types(), ", "))
	}
	if toxics.New(w); old != nil {
		now, err := json.Marshal(old.Toxic)
		if err != nil || json.Unmarshal(now, w.Toxic) != nil {
			return fmt.Errorf("toxic %s cannot be read", old.Name)
		}
	}
	if !read(body, &struct {
		Attributes any `json:"attributes"`
	}{w.Toxic}) {
		return nil
	}
	if l, ok := w.Toxic.(*linkToxic); ok {
		return k.config.Profile(l.Profile)
	}
	text, err := json.Marshal(w.Toxic)
	if err != nil {
		return fmt.Errorf("toxic %s: %w", w.Type, err)
	}
	checked := harness.Toxic{Type: w.Type, Stream: "downstream"} // toxiproxy checks the stream
	if err := json.Unmarshal(text, &checked.Attributes); err != nil {
		return errors.New("attributes: expected the attributes of the toxic, as whole numbers")
	}
	return inRange(checked)
}

// types returns the types of toxics that a request may name.
func types() []string {
	return slices.Sorted(slices.Values(append(harness.ToxicTypes(), LinkToxic, "bandwidth", "latency")))
}

// inRange returns an error if an attribute of a toxic is out of range. latency and
// bandwidth are in no timeline, where a link has them, so only this package bounds them.
func inRange(t harness.Toxic) error {
	const day = int64(24 * time.Hour / time.Millisecond)
	highest := map[string]map[string]int64{
		"latency":   {"latency": day, "jitter": day}, // ms
		"bandwidth": {"rate": 1 << 30},               // KB/s
	}[t.Type]
	if highest == nil {
		return t.Check()
	}
	for _, name := range slices.Sorted(maps.Keys(highest)) {
		if v := t.Attributes[name]; v < 0 || v > highest[name] {
			return fmt.Errorf("toxic %s: %s %d is not between 0 and %d", t.Type, name, v, highest[name])
		}
	}
	return nil
}
