package payment

import "strings"

// currencies are the codes of ISO 4217 in which people pay, by how many decimals their minor unit
// has. The ariary (MGA) is left out: ISO 4217 counts it in hundredths and Stripe in whole ones.
var currencies = map[int]string{
	0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
	2: "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF " +
		"CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD " +
		"HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL " +
		"MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN " +
		"QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP " +
		"TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD XCG YER ZAR ZMW ZWG",
	3: "BHD IQD JOD KWD LYD OMR TND",
}

// Decimals is how many decimals a currency's minor unit has; ok is false if there is no such
// currency.
func Decimals(currency string) (n int, ok bool) {
	if len(currency) != 3 {
		return 0, false
	}
	for n, codes := range currencies {
		if strings.Contains(codes, currency) && !strings.Contains(currency, " ") {
			return n, true
		}
	}
	return 0, false
}
