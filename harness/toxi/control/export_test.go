package control

import "net/http"

// Handler returns the API without its socket.
func (k *Proxy) Handler() http.Handler { return k.server.Handler }
