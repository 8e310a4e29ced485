package simnet_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
	"github.com/onebar/onebar/harness/simnet"
)

func inject(t *testing.T, n *simnet.Network, f harness.Fault) func() int64 {
	t.Helper()
	end, err := n.Inject(f)
	require.NoError(t, err)
	return end
}

func TestCrossTraffic(t *testing.T) {
	for _, d := range []harness.Direction{harness.Up, harness.Down, harness.DirectionUnknown} {
		t.Run(d.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l bench.Log
				edge := harness.Path{Delay: 100 * time.Millisecond, Rate: 200_000}
				n := open(t, simnet.Engine{}, harness.NetworkConfig{Clients: 2, Profile: bench.Both(edge), Packets: &l})
				c := dial(t, n.Client(0), echo(t, n))
				alone := bench.Exchange(t, c, 200)
				end := inject(t, n, harness.Fault{Action: harness.CrossTraffic, Direction: d})
				time.Sleep(20 * time.Second)
				require.Greater(t, bench.Exchange(t, c, 200), alone+200*time.Millisecond, "it waits in the queue")
				for _, a := range []harness.Action{harness.Reset, harness.Blackhole} {
					stop := inject(t, n, harness.Fault{Action: a})
					time.Sleep(70 * time.Second)
					stop()
				}
				time.Sleep(20 * time.Second)
				hits := end()
				require.EqualValues(t, l.Count(func(p harness.Packet) bool { return p.Cross && p.Drop == harness.DropNone }), hits)
				bits := map[harness.Direction]int{}
				for _, p := range l.Take() {
					if p.Cross && p.Drop == harness.DropNone {
						bits[p.Direction] += p.Size * 8
					}
				}
				for _, way := range []harness.Direction{harness.Up, harness.Down} {
					// Some 100 s of it had a link that worked.
					if d == way || d == harness.DirectionUnknown {
						require.Greater(t, bits[way], 100*200_000*6/10)
					} else {
						require.Less(t, bits[way], 100*200_000/10, "acknowledgements")
					}
				}
				time.Sleep(3 * time.Minute)
				before := l.Count(func(p harness.Packet) bool { return p.Cross })
				time.Sleep(10 * time.Minute)
				require.Equal(t, before, l.Count(func(p harness.Packet) bool { return p.Cross }), "it is over")
			})
		})
	}
}

// TestSmallPath has a path that carries less than the hosts think: the sender is
// told, or not.
func TestSmallPath(t *testing.T) {
	for name, hole := range map[string]bool{"told": false, "not told": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l bench.Log
				path := harness.Path{Delay: 10 * time.Millisecond, MTU: 1000, MTUBlackhole: hole}
				n := open(t, simnet.Engine{}, harness.NetworkConfig{Profile: bench.Both(path), Packets: &l})
				c := dial(t, n.Client(0), echo(t, n))
				bench.Exchange(t, c, 500)
				if !hole {
					require.Less(t, bench.Exchange(t, c, 100_000), 2*time.Second)
					require.Equal(t, 10, l.Count(func(p harness.Packet) bool { return p.Drop == harness.DropMTU && p.Direction == harness.Up }), "a first window")
					require.Zero(t, l.Count(func(p harness.Packet) bool { return p.Drop == harness.DropNone && p.Size > 1000 }))
					return
				}
				_, err := c.Write(make([]byte, 5000))
				require.NoError(t, err)
				require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
				require.ErrorIs(t, bench.ReadErr(c), os.ErrDeadlineExceeded)
			})
		})
	}
}

func TestDatagrams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l bench.Log
		n := open(t, simnet.Engine{}, harness.NetworkConfig{Profile: bench.Link(50 * time.Millisecond), Packets: &l})
		server, err := n.Server().(harness.PacketListener).ListenPacket(t.Context(), "udp", ":53")
		require.NoError(t, err)
		defer server.Close()
		c, err := n.Client(0).DialContext(t.Context(), "udp", server.LocalAddr().String())
		require.NoError(t, err)
		defer c.Close()
		b := make([]byte, 1<<16)
		for _, tc := range []struct{ size, up, bytes int }{{0, 1, 28}, {100, 1, 128}, {1472, 1, 1500}, {1473, 2, 1473 + 28 + 20}, {60_000, 41, 60_008 + 41*20}} {
			l.Take()
			begin := time.Now()
			_, err := c.Write(make([]byte, tc.size))
			require.NoError(t, err)
			k, from, err := server.ReadFrom(b)
			require.NoError(t, err)
			require.Equal(t, tc.size, k)
			require.InDelta(t, 50*time.Millisecond, time.Since(begin), float64(time.Microsecond))
			up, bytes := 0, 0
			for _, p := range l.Take() {
				up, bytes = up+1, bytes+p.Size
			}
			require.Equal(t, tc.up, up)
			require.Equal(t, tc.bytes, bytes)
			_, err = server.WriteTo([]byte("answer"), from)
			require.NoError(t, err)
			k, err = c.Read(b)
			require.NoError(t, err)
			require.Equal(t, "answer", string(b[:k]))
		}
		for _, p := range l.Take() {
			require.Equal(t, 1, p.Flow)
		}
		require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Second)))
		_, err = c.Read(b)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.NoError(t, c.SetReadDeadline(time.Time{}))
		_, err = c.Write(make([]byte, 1<<16))
		require.ErrorIs(t, err, syscall.EMSGSIZE)
		_, err = c.(net.PacketConn).WriteTo(nil, server.LocalAddr())
		require.ErrorIs(t, err, net.ErrWriteToConnected)

		require.NoError(t, server.Close())
		require.NoError(t, bench.WriteErr(c))
		require.ErrorIs(t, bench.ReadErr(c), syscall.ECONNREFUSED)
	})
}

// TestHTTPS has net/http and crypto/tls run unchanged, through an outage.
func TestHTTPS(t *testing.T) {
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(30 * 365 * 24 * time.Hour) // certificates are of this century
				n := open(t, simnet.Engine{}, harness.NetworkConfig{Seed: 1, Profile: bench.Both(harness.Path{Delay: 100 * time.Millisecond, Loss: harness.Loss{P: 0.05}})})
				key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
				require.NoError(t, err)
				template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"bank"}, NotBefore: time.Now(), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true}
				der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
				require.NoError(t, err)
				cert, err := x509.ParseCertificate(der)
				require.NoError(t, err)
				roots := x509.NewCertPool()
				roots.AddCert(cert)

				protocols := new(http.Protocols)
				protocols.SetHTTP1(!http2)
				protocols.SetHTTP2(http2)
				server := &http.Server{
					Protocols: protocols,
					Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						body, err := io.ReadAll(r.Body)
						if err == nil {
							_, err = w.Write(body)
						}
						if err != nil {
							panic(http.ErrAbortHandler)
						}
					}),
					TLSConfig: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
				}
				l, err := n.Server().Listen(t.Context(), "tcp", ":443")
				require.NoError(t, err)
				go func() { _ = server.ServeTLS(l, "", "") }()
				transport := &http.Transport{
					DialContext: n.Client(0).DialContext, Protocols: protocols,
					TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "bank"},
				}
				client := &http.Client{Transport: transport, Timeout: 2 * time.Minute}
				for i := range 20 {
					if i == 10 {
						end := inject(t, n, harness.Fault{Action: harness.Blackhole})
						time.AfterFunc(20*time.Second, func() { end() })
					}
					body := strings.Repeat("pay ", 1000*i)
					resp, err := client.Post("https://10.0.0.1:443/pay", "text/plain", strings.NewReader(body))
					require.NoError(t, err)
					got, err := io.ReadAll(resp.Body)
					require.NoError(t, err)
					require.NoError(t, resp.Body.Close())
					require.True(t, body == string(got))
					require.Equal(t, name, resp.Proto)
				}
				transport.CloseIdleConnections()
				require.NoError(t, server.Close())
			})
		})
	}
}

// TestLose loses the packets it wants to, and begins a fault at one of them, which
// counts from the next packet on.
func TestLose(t *testing.T) {
	for name, at := range map[string]int64{"SYN": 1, "acknowledgement": 2, "request": 3} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l bench.Log
				var n *simnet.Network
				var end func() int64
				lose := func(p harness.Packet) harness.DropReason {
					if p.Direction == harness.Up && p.N == at {
						return harness.DropLoss
					}
					if p.Direction == harness.Down && p.N == 4 {
						go func() {
							var err error
							end, err = n.Inject(harness.Fault{Action: harness.Blackhole})
							require.NoError(t, err)
						}()
					}
					return harness.DropNone
				}
				n = open(t, simnet.Engine{}, harness.NetworkConfig{Profile: bench.Link(10 * time.Millisecond), Packets: &l, Lose: lose})
				c := dial(t, n.Client(0), echo(t, n))
				bench.Exchange(t, c, 200)
				require.Equal(t, 1, l.Count(func(p harness.Packet) bool { return p.Drop == harness.DropLoss }))
				for range 3 {
					_, err := c.Write(make([]byte, 200))
					require.NoError(t, err)
					time.Sleep(time.Second)
				}
				require.NotNil(t, end)
				require.Positive(t, end())
				require.Zero(t, l.Count(func(p harness.Packet) bool {
					return p.Drop == harness.DropOutage && p.Direction == harness.Down && p.N <= 4
				}))
			})
		})
	}
}
