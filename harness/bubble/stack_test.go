package bubble

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const trace = `panic: card declined twice

goroutine 7 [running, synctest bubble 3]:
example.com/shop/wallet%2ego.(*Wallet).Pay(0x2777ea3220c0, {0x1, 0x2})
	example.com/shop/wallet.go/pay.go:31 +0x59
net/http.HandlerFunc.ServeHTTP(...)
	net/http/server.go:2294
created by net/http.(*Server).Serve in goroutine 6
	net/http/server.go:3493 +0x2bd

goroutine 12 [sync.Mutex.Lock, 2 minutes, synctest bubble 3]:
internal/sync.(*Mutex).Lock(...)
	internal/sync/mutex.go:70
sync.(*Mutex).Lock(...)
	sync/mutex.go:46
shop.(*Till).close(0x1)
	shop/till.go:8 +0x34
main.main()
	/home/someone/onebar/cmd/onebar/main.go:3 +0x1

goroutine 13 [chan receive (durable), synctest bubble 3]:
github.com/onebar/onebar/harness/run.(*running).settle(0x1)
	github.com/onebar/onebar/harness/run/run.go:8 +0x34
`

func TestParse(t *testing.T) {
	list := parse(trace)
	require.Len(t, list, 3)
	require.Equal(t, "goroutine 7 [running] by wallet%2ego.(*Wallet).Pay (pay.go:31)", list[0].String())
	require.Equal(t, "goroutine 12 [sync.Mutex.Lock] in sync.(*Mutex).Lock, called by shop.(*Till).close (till.go:8)", list[1].String())
	require.Len(t, list[1].Frames, 1, "onebar's own are left out")
	require.Equal(t, "goroutine 13 [chan receive] by run.(*running).settle (run.go:8)", list[2].String())
	require.True(t, list[1].theirs())
	require.False(t, list[2].theirs())
	for _, g := range list {
		require.Equal(t, int64(3), g.bubble)
		require.Equal(t, g.ID == 13, g.durable)
	}

	head, blamed, ok := crash("something else\n" + trace)
	require.True(t, ok)
	require.Equal(t, "panic: card declined twice", head)
	require.Equal(t, list[:1], blamed)
}

func FuzzParse(f *testing.F) {
	f.Add(trace)
	f.Add(strings.ReplaceAll(trace, "\n", "\n\n"))
	f.Add("goroutine 1 []\n(\n\t")
	f.Fuzz(func(t *testing.T, s string) {
		for _, g := range parse(s) {
			require.NotPanics(t, func() { _ = g.String() })
			require.LessOrEqual(t, len(g.Frames), strings.Count(s, "\n"))
		}
	})
}
