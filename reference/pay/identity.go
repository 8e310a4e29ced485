package pay

import "encoding/hex"

// PublicKey is who a wallet is to its bank.
type PublicKey [32]byte

// String returns the key in hexadecimal.
func (k PublicKey) String() string { return hex.EncodeToString(k[:]) }
