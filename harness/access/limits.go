package access

import "time"

// What both engines give their hosts.
const (
	MTU            = 1500             // Ethernet's, bytes of an IP packet
	IPHeader       = 20               // bytes of IPv4 without options, RFC 791
	MostICMP       = 576              // bytes of an ICMP error, RFC 1812 section 4.3.2.3
	Backlog        = 4096             // connections that wait to be accepted, Linux's somaxconn
	KeepAlive      = 15 * time.Second // idle time and interval of keepalives, package net's
	KeepAliveCount = 9                // of them without an answer end a connection, package net's
)
