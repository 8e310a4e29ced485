// Package control is toxiproxy with its HTTP API, in front of a link that a request can
// change, too.
package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
)

// LinkToxic is the type of a toxic that changes the link behind a Proxy, and
// leaves the stream alone: its one attribute, profile, names what the link is like
// while the toxic is there.
const LinkToxic = "link"

// linkToxic is LinkToxic as toxiproxy knows it.
type linkToxic struct {
	Profile string `json:"profile"`
}

// Pipe implements toxics.Toxic.
func (*linkToxic) Pipe(stub *toxics.ToxicStub) { new(toxics.NoopToxic).Pipe(stub) }

// Config is what a Proxy is made from.
type Config struct {
	API      string // host:port of toxiproxy's HTTP API
	Name     string // of the proxy in it
	Listen   string // host:port where the proxy listens
	Upstream string // host:port to which it connects
	// Profile changes the link; an empty name is the one it began with. Its error
	// is the answer to the request that asked for it.
	Profile func(name string) error
}

// Proxy is toxiproxy with its HTTP API and one proxy, for people and for programs
// that know toxiproxy: its own toxics work on streams before the link, and
// LinkToxic changes the link.
type Proxy struct {
	config Config
	api    *toxiproxy.ApiServer
	proxy  *toxiproxy.Proxy
	server *http.Server
	listen net.Listener
	served sync.WaitGroup

	mu sync.Mutex // one change at a time
}

// New brings proxy and API up. The context covers the start only. The caller
// closes it.
func New(ctx context.Context, c Config) (*Proxy, error) {
	toxics.Register(LinkToxic, new(linkToxic)) // it locks, and may be repeated
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", c.API)
	if err != nil {
		return nil, fmt.Errorf("listen for toxiproxy's API: %w", err)
	}
	k := &Proxy{config: c, listen: l, api: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())}
	k.proxy = toxiproxy.NewProxy(k.api, c.Name, c.Listen, c.Upstream)
	if err := k.api.Collection.Add(k.proxy, true); err != nil {
		l.Close()
		return nil, fmt.Errorf("listen before the link: %w", err)
	}
	k.server = &http.Server{Handler: k.handler(), ReadHeaderTimeout: 10 * time.Second}
	k.served.Go(func() { _ = k.server.Serve(l) }) // it ends with Close
	return k, nil
}

// API is where the API listens.
func (k *Proxy) API() string { return k.listen.Addr().String() }

// Addr is where the proxy listens.
func (k *Proxy) Addr() string { return k.proxy.Listen }

// Close ends API, proxy and connections.
func (k *Proxy) Close() error {
	err := k.server.Close()
	k.served.Wait()
	return errors.Join(err, k.api.Collection.Clear())
}

// handler is toxiproxy's API, but for new proxies, behind which there would be no
// link, and for toxics that name a profile there is not.
func (k *Proxy) handler() http.Handler {
	routes := k.api.Routes()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			routes.ServeHTTP(w, r)
			return
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		path := strings.Trim(r.URL.Path, "/")
		if path == "populate" || path == "proxies" || r.Method == http.MethodDelete && strings.Count(path, "/") == 1 {
			refuse(w, fmt.Sprintf("onebar has the one proxy %q: start another onebar for another upstream", k.config.Name))
			return
		}
		if err := k.try(r); err != nil {
			refuse(w, err.Error())
			return
		}
		routes.ServeHTTP(w, r)
		// What the request did not do after all is undone: only a name of no profile
		// could fail here, and none got so far.
		_ = k.config.Profile(k.profile())
	})
}

// try sets the profile that a request names, if it does, and leaves the request as
// it was.
func (k *Proxy) try(r *http.Request) error {
	const most = 64 << 10
	body, err := io.ReadAll(io.LimitReader(r.Body, most))
	if err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var asked struct {
		Attributes struct {
			Profile *string `json:"profile"`
		} `json:"attributes"`
	}
	if json.Unmarshal(body, &asked) != nil || asked.Attributes.Profile == nil {
		return nil //nolint:nilerr // toxiproxy says what is wrong with it
	}
	return k.config.Profile(*asked.Attributes.Profile)
}

// profile is that of the link toxic added last, or empty.
func (k *Proxy) profile() (name string) {
	for _, t := range k.proxy.Toxics.GetToxicArray() {
		if w, ok := t.(*toxics.ToxicWrapper); ok {
			if l, ok := w.Toxic.(*linkToxic); ok {
				name = l.Profile
			}
		}
	}
	return name
}

// refuse answers as toxiproxy does.
func refuse(w http.ResponseWriter, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": why, "status": http.StatusBadRequest})
}
