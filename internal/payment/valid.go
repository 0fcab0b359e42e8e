package payment

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/interview-sandbox/annals/internal/api"
)

const (
	maxAmount      = 99_999_999 // minor units; the most that Stripe takes
	maxDescription = 500        // characters
	maxReason      = 500
	maxMethod      = 100 // bytes
)

// validate tells what is wrong with a request.
func (c Request) validate(p Provider) error {
	var bad api.Invalid
	if c.Amount < 1 || c.Amount > maxAmount {
		bad.Add("/amount", fmt.Sprintf("An amount is from 1 to %d, in the currency's minor unit.", maxAmount))
	}
	if !isCurrency(c.Currency) {
		bad.Add("/currency", "This has to be a currency's code such as EUR (ISO 4217).")
	}
	if len(c.Method) > maxMethod || !p.Accepts(c.Method) {
		bad.Add("/method", "The provider has no such method.")
	}
	if c.Capture != captureAutomatic && c.Capture != captureManual {
		bad.Add("/capture", "This is automatic or manual.")
	}
	validText(&bad, "/description", c.Description, maxDescription)
	return bad.Err()
}

func validText(bad *api.Invalid, pointer, s string, limit int) {
	if utf8.RuneCountInString(s) > limit || strings.ContainsFunc(s, unicode.IsControl) {
		bad.Add(pointer, fmt.Sprintf("This has at most %d characters, and none that controls.", limit))
	}
}
