package noise

import (
	"math/rand/v2"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/channel"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/vault"
	"github.com/onebar/onebar/reference/vault/vaulttest"
	"github.com/onebar/onebar/reference/wire"
)

// forger is the vault of an attacker who has stolen the bank's static private key
// and knows the public keys of a wallet. It computes the "ss" of message 1 from
// the other side, and so makes that message in the wallet's name: key compromise
// impersonation.
type forger struct {
	vault.Vault // the forger's own, whose identity key signs

	victim pay.Certificate
	stolen KeyPair // the bank's
}

// Certificate implements vault.Vault.
func (f *forger) Certificate() pay.Certificate { return f.victim }

// Agree implements vault.Vault. It is asked for the secret of the wallet and the
// bank. The one of message 2, of the wallet and the bank's ephemeral key, is out
// of its reach.
func (f *forger) Agree([32]byte) ([]byte, error) { return f.stolen.static().agree(f.victim.Transport) }

func (b *bench) forger(tb testing.TB) *forger {
	tb.Helper()
	own, err := vault.New(rand.NewChaCha8([32]byte{8}))
	require.NoError(tb, err)
	return &forger{Vault: own, victim: b.wallet.Certificate(), stolen: b.bank}
}

// TestStolenKeyForgesMessage1 shows that the forgery works as far as Noise goes:
// the handshake says that the wallet has sent the payment.
func TestStolenKeyForgesMessage1(t *testing.T) {
	b := newBench(t)
	payload, err := wire.AppendRequest(nil, payRequest(1))
	require.NoError(t, err)
	forged, err := newHandshake(true, staticOf(b.forger(t)), b.bank.Public[:], nil)
	require.NoError(t, err)
	message, _, _, err := forged.WriteMessage(nil, payload)
	require.NoError(t, err)

	hs, err := newHandshake(false, b.bank.static(), nil, nil)
	require.NoError(t, err)
	got, _, _, err := hs.ReadMessage(nil, message)
	require.NoError(t, err)
	require.Equal(t, payload, got)
	require.Equal(t, b.wallet.Certificate().Transport, [32]byte(hs.PeerStatic()))

	// The forger cannot go on: message 2 is for the wallet alone.
	message, _, _, err = hs.WriteMessage(nil, nil)
	require.NoError(t, err)
	_, _, _, err = forged.ReadMessage(nil, message)
	require.Error(t, err)
}

// TestFirstRequestNeedsItsSignature sends first requests, from the forger of
// TestStolenKeyForgesMessage1 and from the wallet itself.
func TestFirstRequestNeedsItsSignature(t *testing.T) {
	b := newBench(t)
	otherBank, err := NewKeyPair(nil)
	require.NoError(t, err)
	forger := b.forger(t)
	by := func(s pay.Signer, change func(*pay.Request)) *pay.Request {
		r := payRequest(1)
		require.NoError(t, r.Sign(s, b.receiptKey()))
		if change != nil {
			change(r)
		}
		return r
	}
	forOther := payRequest(1)
	require.NoError(t, forOther.Sign(b.wallet, otherBank.Public[:]))
	cases := []struct {
		name string
		r    *pay.Request
		want string // nothing: it is received
	}{
		{"not signed", payRequest(1), "it is not signed"},
		{"signed by the forger", by(forger, nil), "its signature is not that of"},
		{"another amount than was signed", by(b.wallet, func(r *pay.Request) { r.Payment.Amount++ }), "its signature is not that of"},
		{"another payee than was signed", by(b.wallet, func(r *pay.Request) { r.Payment.Payee = "m1" }), "its signature is not that of"},
		{"a signed question made a payment", by(b.wallet, func(r *pay.Request) {
			r.Ask = pay.AskStatus
			require.NoError(t, r.Sign(b.wallet, b.receiptKey()))
			r.Ask = pay.AskPay
		}), "its signature is not that of"},
		{"signed for another bank", forOther, "its signature is not that of"},
		{"signed by the wallet", b.request(1), ""},
	}
	for _, c := range cases {
		for who, own := range map[string]static{"forger": staticOf(forger), "wallet": staticOf(b.wallet)} {
			t.Run(c.name+", sent by the "+who, func(t *testing.T) {
				payload, err := wire.AppendRequest(nil, c.r)
				require.NoError(t, err)
				in, server, err := receiveFirst(t, b, own, payload)
				if c.want != "" {
					require.ErrorIs(t, err, channel.ErrProtocol)
					require.ErrorContains(t, err, c.want)
					require.Error(t, server.Send(0, b.confirm(server.Payer(), &c.r.Payment)), "there is nothing to answer")
					return
				}
				// What the wallet has signed can be sent again by anyone who has read it,
				// as message 1 can be replayed.
				require.NoError(t, err)
				require.Equal(t, c.r, in.Request)
				require.Equal(t, b.wallet.Certificate().Identity, server.Payer())
			})
		}
	}
}

// receiveFirst is a bank that receives one first request.
func receiveFirst(t *testing.T, b *bench, own static, payload []byte) (channel.Incoming, *ServerConn, error) {
	t.Helper()
	hs, err := newHandshake(true, own, b.bank.Public[:], nil)
	require.NoError(t, err)
	frame, _, _, err := hs.WriteMessage(make([]byte, prefixSize), payload)
	require.NoError(t, err)
	frame, err = sealFrame(frame)
	require.NoError(t, err)
	cc, sc := net.Pipe()
	server := Server(sc, b.server())
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = cc.Write(frame) })
	in, err := server.Receive()
	wg.Wait()
	t.Cleanup(func() { server.Close(); cc.Close() })
	return in, server, err
}

// TestStrangerHasNoIdentity: the request of a wallet that the bank does not know
// is received, for the service to refuse, and names nobody.
func TestStrangerHasNoIdentity(t *testing.T) {
	b := newBench(t)
	stranger := b.forger(t).Vault
	r := payRequest(1)
	require.NoError(t, r.Sign(stranger, b.receiptKey()))
	payload, err := wire.AppendRequest(nil, r)
	require.NoError(t, err)
	in, server, err := receiveFirst(t, b, staticOf(stranger), payload)
	require.NoError(t, err)
	require.Equal(t, r, in.Request)
	require.Zero(t, server.Payer())
	require.Equal(t, PublicKey(stranger.Certificate().Transport).String(), server.Peer())
}

// TestSignatureOnAnOpenSession: later requests travel without their signature,
// and one that is there is verified.
func TestSignatureOnAnOpenSession(t *testing.T) {
	b := newBench(t)
	altered := b.request(2)
	altered.Payment.Amount++
	cases := []struct {
		name string
		r    *pay.Request
		want string // nothing: it is received
	}{
		{"none", payRequest(2), ""},
		{"right", b.request(2), ""},
		{"of another payment", altered, "its signature is not that of"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cc, sc := net.Pipe()
			server := Server(sc, b.server())
			s := Client(cc, b.client())
			var wg sync.WaitGroup
			wg.Go(func() {
				if _, err := s.Do(t.Context(), b.request(1)); err != nil {
					t.Error(err)
				}
				payload, err := wire.AppendRequest(nil, c.r)
				if err != nil {
					t.Error(err)
				}
				frame, err := s.enc.Encrypt([]byte{0, 0}, nil, payload)
				if err != nil || s.write(t.Context(), frame) != nil {
					t.Error("the second request could not be sent", err)
				}
			})
			first, err := server.Receive()
			require.NoError(t, err)
			require.NoError(t, server.Send(first.Number, b.confirm(server.Payer(), &first.Request.Payment)))
			second, err := server.Receive()
			if c.want == "" {
				require.NoError(t, err)
				require.Equal(t, c.r, second.Request)
			} else {
				require.ErrorIs(t, err, channel.ErrProtocol)
				require.ErrorContains(t, err, c.want)
			}
			wg.Wait()
			server.Close()
			require.NoError(t, s.Close())
		})
	}
}

func TestLaterRequestsTravelUnsigned(t *testing.T) {
	b := newBench(t)
	cc, sc := net.Pipe()
	server := Server(sc, b.server())
	s := Client(cc, b.client())
	_, err := s.Do(t.Context(), payRequest(1))
	require.ErrorContains(t, err, "the first request of a connection must be signed")
	var got []*pay.Request
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 2 {
			in, err := server.Receive()
			if err != nil || server.Send(in.Number, b.confirm(server.Payer(), &in.Request.Payment)) != nil {
				t.Error("a request was not answered", err)
				return
			}
			got = append(got, in.Request)
		}
	})
	for n := range byte(2) {
		_, err := s.Do(t.Context(), b.request(n+1))
		require.NoError(t, err)
	}
	wg.Wait()
	require.Equal(t, []*pay.Request{b.request(1), payRequest(2)}, got)
	server.Close()
	require.NoError(t, s.Close())
}

// counting counts what a handshake asks of a vault.
type counting struct {
	vault.Vault
	agreed int
}

func (c *counting) Agree(peer [32]byte) ([]byte, error) {
	c.agreed++
	return c.Vault.Agree(peer)
}

// TestPrivateKeyStaysInTheVault: the handshake has the public half alone, and
// asks the vault for "ss" and "se".
func TestPrivateKeyStaysInTheVault(t *testing.T) {
	b := newBench(t)
	v := &counting{Vault: b.wallet}
	cfg := handshakeConfig(true, staticOf(v), b.bank.Public[:], nil)
	require.Empty(t, cfg.StaticKeypair.Private)
	transport := v.Certificate().Transport
	require.Equal(t, transport[:], cfg.StaticKeypair.Public)

	cc, sc := net.Pipe()
	server := Server(sc, b.server())
	var wg sync.WaitGroup
	wg.Go(func() { _ = b.serve(server) })
	s := Client(cc, ClientConfig{Vault: v, Bank: b.bank.Public})
	_, err := s.Do(t.Context(), b.request(1))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	wg.Wait()
	server.Close()
	require.Equal(t, 2, v.agreed)
}

// TestLockedVault: before message 1 nothing is sent, and the session can be used
// later. After it the session ends, and the bank is not blamed.
func TestLockedVault(t *testing.T) {
	b := newBench(t)
	v := &vaulttest.Lockable{Vault: b.wallet}
	v.Locked.Store(true)
	cc, sc := net.Pipe()
	server := Server(sc, b.server())
	s := Client(cc, ClientConfig{Vault: v, Bank: b.bank.Public})
	_, err := s.Do(t.Context(), b.request(1))
	require.ErrorIs(t, err, vault.ErrLocked)
	select {
	case <-s.Done():
		t.Fatal("the session has ended")
	default:
	}

	v.Locked.Store(false)
	var wg sync.WaitGroup
	wg.Go(func() {
		in, err := server.Receive()
		v.Locked.Store(true)
		if err != nil || server.Send(in.Number, b.confirm(server.Payer(), &in.Request.Payment)) != nil {
			t.Error("the request was not answered", err)
		}
	})
	_, err = s.Do(t.Context(), b.request(1))
	require.ErrorIs(t, err, vault.ErrLocked)
	require.NotErrorIs(t, err, channel.ErrProtocol)
	wg.Wait()
	require.NoError(t, s.Close())
	server.Close()
}
