package bank

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/pay/servicetest"
)

// TestService holds the ledger to the contract of a service.
func TestService(t *testing.T) {
	servicetest.Test(t, func(t *testing.T) servicetest.System {
		t.Helper()
		b := openTestLedger(t, 1)
		return servicetest.System{
			Service: b, Receipts: b.receiptKey(), Payer: b.wallets[0].id(), Payee: "m0", Currency: "KES", Now: b.cfg.Clock,
			Booked: func() int {
				transfers, closing := b.contents(t)
				require.EqualValues(t, 100_00-10*len(transfers), closing["w0"])
				return len(transfers)
			},
		}
	})
}
