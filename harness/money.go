package harness

import (
	"strconv"
	"strings"
)

// Exponent returns how many decimal digits the minor unit of a currency has, by
// ISO 4217; 2 for a code it does not know.
func Exponent(currency string) int {
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	}
	return 2
}

// FormatMoney writes an amount in minor units for people, and as a scenario file
// would: 12.50 EUR.
func FormatMoney(minor int64, currency string) string {
	n := Exponent(currency)
	sign := ""
	digits := strconv.FormatInt(minor, 10)
	if minor < 0 {
		sign, digits = "-", digits[1:]
	}
	if pad := n + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	major, rest := digits[:len(digits)-n], digits[len(digits)-n:]
	if strings.Trim(rest, "0") == "" {
		return sign + major + " " + currency
	}
	return sign + major + "." + rest + " " + currency
}
