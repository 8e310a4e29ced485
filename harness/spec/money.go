package spec

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness"
)

// currencies are the codes of ISO 4217 that name money people can hold.
const currencies = `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD
CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD
HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD
MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG
QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD
TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG`

// maxMinor bounds an amount, so that a million of the largest still fit an
// int64.
const maxMinor = int64(1e12)

// money is one amount, written in major units and kept in minor units.
type money struct {
	mark
	minor    int64
	currency string
}

func (v *money) parts() []any  { return []any{&v.minor, &v.currency} }
func (v *money) wants() string { return "an amount such as 500 KES or 12.50 EUR" }
func (v *money) scan(s string) (err error) {
	number, currency, err := cutCurrency(s)
	if err != nil {
		return err
	}
	v.currency = currency
	v.minor, err = minorUnits(number, currency)
	return err
}

// amounts is an amount or a range of amounts of one currency.
type amounts struct {
	mark
	least, most int64 // minor units
	currency    string
}

func (v *amounts) parts() []any  { return []any{&v.least, &v.most, &v.currency} }
func (v *amounts) wants() string { return "an amount such as 250 KES or 10..900 KES" }
func (v *amounts) scan(s string) error {
	numbers, currency, err := cutCurrency(s)
	if err != nil {
		return err
	}
	low, high, ok := strings.Cut(numbers, "..")
	if !ok {
		high = low
	}
	v.currency = currency
	if v.least, err = minorUnits(low, currency); err != nil {
		return err
	}
	if v.most, err = minorUnits(high, currency); err != nil {
		return err
	}
	if v.least > v.most {
		return errors.New("goes from more to less")
	}
	return nil
}

func cutCurrency(s string) (number, currency string, err error) {
	number, currency, ok := strings.Cut(s, " ")
	if !ok {
		return "", "", errors.New("has no currency")
	}
	codes := strings.Fields(currencies)
	if currency = strings.TrimSpace(currency); !slices.Contains(codes, currency) {
		if known := strings.ToUpper(currency); slices.Contains(codes, known) {
			return "", "", fmt.Errorf("has a currency in the wrong case (%s)", known)
		}
		return "", "", fmt.Errorf("has %q, which is no ISO 4217 currency", currency)
	}
	return number, currency, nil
}

// minorUnits converts an amount in major units; it must be 1 minor unit to
// maxMinor.
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
	if r.Sign() <= 0 || r.Cmp(big.NewRat(maxMinor, 1)) > 0 {
		return 0, fmt.Errorf("is out of range (%s to %s)", harness.FormatMoney(1, currency), harness.FormatMoney(maxMinor, currency))
	}
	return r.Num().Int64(), nil
}
