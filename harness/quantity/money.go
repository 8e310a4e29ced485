package quantity

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness"
)

// Currencies are the codes of ISO 4217 that name money people can hold.
const Currencies = `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD
CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD
HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD
MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG
QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD
TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG`

// MaxMinor bounds an amount, so that a million of the largest still fit an
// int64.
const MaxMinor = int64(1e12)

// ParseAmount reads an amount in major units, and returns it in minor units.
func ParseAmount(s string) (minor int64, currency string, err error) {
	number, currency, err := cutCurrency(s)
	if err != nil {
		return 0, "", err
	}
	minor, err = minorUnits(number, currency)
	return minor, currency, err
}

// ParseAmounts is ParseAmount for an amount, or a range of amounts of one currency.
func ParseAmounts(s string) (least, most int64, currency string, err error) {
	numbers, currency, err := cutCurrency(s)
	if err != nil {
		return 0, 0, "", err
	}
	low, high, ok := strings.Cut(numbers, "..")
	if !ok {
		high = low
	}
	if least, err = minorUnits(low, currency); err != nil {
		return 0, 0, "", err
	}
	if most, err = minorUnits(high, currency); err != nil {
		return 0, 0, "", err
	}
	if least > most {
		return 0, 0, "", errors.New("goes from more to less")
	}
	return least, most, currency, nil
}

func cutCurrency(s string) (number, currency string, err error) {
	number, currency, ok := strings.Cut(s, " ")
	if !ok {
		return "", "", errors.New("has no currency")
	}
	codes := strings.Fields(Currencies)
	if currency = strings.TrimSpace(currency); !slices.Contains(codes, currency) {
		if known := strings.ToUpper(currency); slices.Contains(codes, known) {
			return "", "", fmt.Errorf("has a currency in the wrong case (%s)", known)
		}
		return "", "", fmt.Errorf("has %q, which is no ISO 4217 currency", currency)
	}
	return number, currency, nil
}

// minorUnits converts an amount in major units; it must be 1 minor unit to
// MaxMinor.
func minorUnits(number, currency string) (int64, error) {
	r, ok := rational(number)
	if !ok {
		return 0, fmt.Errorf("has %q, which is not a number", number)
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(harness.Exponent(currency))), nil)
	r.Mul(r, new(big.Rat).SetInt(scale))
	if !r.IsInt() {
		return 0, fmt.Errorf("has more decimal digits than %s, which has %d", currency, harness.Exponent(currency))
	}
	if r.Sign() <= 0 || r.Cmp(big.NewRat(MaxMinor, 1)) > 0 {
		return 0, fmt.Errorf("is out of range (%s to %s)", harness.FormatMoney(1, currency), harness.FormatMoney(MaxMinor, currency))
	}
	return r.Num().Int64(), nil
}
