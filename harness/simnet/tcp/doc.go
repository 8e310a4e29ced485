// Package tcp is a model of Linux's TCP: what one end of a connection sends, and when. It
// is a state machine. It has no goroutine, no clock, no lock and no link: the caller hands
// in the present and the segments that have arrived, and an [Owner] gets the segments to
// send.
//
// Begin with [Conn]. Its files in the order in which a byte meets them: app.go takes what
// the application does, sender.go makes segments of it, acks.go reads the
// acknowledgements and finds losses, timers.go repairs them, cubic.go and rtt.go say how
// much may be sent and how long to wait. At the other end receiver.go puts the stream
// together and acknowledges. conn.go has the states of a connection.
//
// Segments carry what Linux puts into them: at most 1448 bytes with timestamps
// (RFC 7323), three SACK blocks (RFC 2018), duplicates reported (RFC 2883). What is
// not in the model: sequence numbers that wrap, checksums, urgent data, Nagle's algorithm.
//
//   - Handshake: the SYN again after 1 s, 2 s and so on, seven in all.
//   - Slow start from ten segments (RFC 6928) that ends by delay (HyStart), then
//     CUBIC (RFC 9438). The window is not paced, and falls at once at a loss, where Linux
//     lowers it bit by bit.
//   - Losses are found by RACK, with tail loss probes (RFC 8985) that go no later
//     than the time-out, as in Linux.
//   - Time-out: RFC 6298, with Linux's floor of 200 ms under the variance term, two
//     minutes at most, and late as Linux's timer wheel is (wheel.go). A connection breaks
//     after 15 time-outs, 924.6 s. One that was for nothing is undone by its timestamp
//     (RFC 3522).
//   - Acknowledgements as in package packet: 40 ms late, but at once at the start of
//     a connection, after a repetition, for a hole, for more than a full segment.
//   - Closed windows are probed, idle peers after 15 s as package net has it.
//   - TIME-WAIT of a minute on the side that closed first.
package tcp
