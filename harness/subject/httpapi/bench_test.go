package httpapi_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/subject/httpapi"
)

// BenchmarkPay is a payment from the press to the word, with a server in the same
// process and no link in between: what the client itself costs, and the server.
func BenchmarkPay(b *testing.B) {
	s := newShop(b)
	env, _ := environment(s.Listener.Addr().String())
	client := httpapi.NewClient(described(), ".")
	require.NoError(b, client.Start(b.Context(), env))
	defer client.Close()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		pay(b, env, client, payment(n))
	}
}
