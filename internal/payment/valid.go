package payment

import "github.com/interview-sandbox/annals/internal/api"

// validate tells what is wrong with a request, apart from the bounds of its fields. The most that
// Stripe takes is 99,999,999 of the minor unit.
func (c Request) validate(p Provider) error {
	var bad api.Invalid
	if !isCurrency(c.Currency) {
		bad.Add("/currency", "This has to be a currency's code such as EUR (ISO 4217).")
	}
	if !p.Accepts(c.Method) {
		bad.Add("/method", "The provider has no such method.")
	}
	if !api.Seen(c.Description) {
		bad.Add("/description", "This has no characters that cannot be seen.")
	}
	return bad.Err()
}
