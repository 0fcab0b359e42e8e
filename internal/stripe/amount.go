package stripe

import "strings"

// hundredfold are the currencies without a minor unit that Stripe takes as if they had one of
// two decimals (Stripe, "Supported currencies", "Special cases").
const hundredfold = "ISK UGX"

// toStripe gives an amount in Stripe's smallest unit of the currency.
func toStripe(amount int64, currency string) int64 { return amount * unit(currency) }

// fromStripe is the way back.
func fromStripe(amount int64, currency string) int64 { return amount / unit(currency) }

func unit(currency string) int64 {
	if currency != "" && strings.Contains(hundredfold, strings.ToUpper(currency)) {
		return 100
	}
	return 1
}
