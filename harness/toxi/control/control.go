// Package control is toxiproxy with its HTTP API, in front of a link that a request can
// change, too.
package control

import (
	"bytes"
	"context"
	"encoding/json"
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

func (*linkToxic) Pipe(stub *toxics.ToxicStub) { new(toxics.NoopToxic).Pipe(stub) }

// Config is what a Proxy is made from.
type Config struct {
	API      string // host:port of toxiproxy's HTTP API
	Name     string // of the proxy in it
	Listen   string // host:port where the proxy listens
	Upstream string // host:port that the API names as the proxy's upstream
	Dial     string // host:port to which the proxy connects: the link, which leads to Upstream
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
	front  *front
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
	k.front = &front{api: k.api, proxy: k.proxy, dial: c.Dial, changes: &k.mu}
	if err = k.api.Collection.Add(k.proxy, false); err == nil {
		err = k.front.open(ctx)
	}
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("listen before the link: %w", err)
	}
	k.server = &http.Server{Handler: k.handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 15 * time.Second}
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
	k.mu.Lock()
	k.front.disable()
	k.mu.Unlock()
	k.front.accepts.Wait()
	return err
}

// maxRequest bounds the body of a request, in bytes.
const maxRequest = 64 << 10

// handler is toxiproxy's API for the one proxy.
func (k *Proxy) handler() http.Handler {
	routes := k.api.Routes()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// toxiproxy refuses browsers: a page of any site could send a request.
		if r.Method == http.MethodGet || strings.HasPrefix(r.UserAgent(), "Mozilla/") {
			routes.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil {
			refuse(w, fmt.Sprintf("read the request: %v", err))
			return
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		if body, err = k.prepare(r, body); err != nil {
			refuse(w, err.Error())
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		routes.ServeHTTP(w, r)
		// What the request did not do after all is undone: only a name of no profile
		// could fail here, and none got so far.
		_ = k.config.Profile(k.profile())
	})
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
