package wallet

import "time"

// Order is a purchase that the user wants to pay.
type Order struct {
	ID       string    // names the purchase; presses for one purchase share it. At most pay.MaxOrder bytes
	Payee    string    // account
	Amount   int64     // in minor units of Currency, above 0
	Currency string    // ISO 4217 code
	Deadline time.Time // the bank does not book it later than this; zero is never. Kept in milliseconds
}
