package relay

import "net"

// Conn passes on how a connection is ended: what wraps one embeds it, so that Join
// can still tell its ends apart.
type Conn struct{ net.Conn }

// CloseWrite ends the outgoing stream alone, if the connection can, and otherwise
// closes it.
func (c Conn) CloseWrite() error {
	if h, ok := c.Conn.(halfCloser); ok {
		return h.CloseWrite()
	}
	return c.Close()
}

// SetLinger makes the next Close a reset, if the connection can.
func (c Conn) SetLinger(seconds int) error {
	if l, ok := c.Conn.(lingerer); ok {
		return l.SetLinger(seconds)
	}
	return nil
}
