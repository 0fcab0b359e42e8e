package notification

// Kind is what a notification tells.
type Kind string

// The kinds of notifications.
const (
	VerifyAddress         Kind = "verify-address"
	VerifyAddressReminder Kind = "verify-address-reminder"
	EmailChanged          Kind = "email-changed"
	PasswordChanged       Kind = "password-changed"
	ResetPassword         Kind = "reset-password"
	FileShared            Kind = "file-shared"
	FileRejected          Kind = "file-rejected"
	PaymentCaptured       Kind = "payment-captured"
	PaymentDeclined       Kind = "payment-declined"
	PaymentRefunded       Kind = "payment-refunded"
)

// Group is a set of kinds that are wanted or not together.
type Group string

// The groups. Mail of the group Security cannot be switched off.
const (
	Security Group = "security"
	Files    Group = "files"
	Payments Group = "payments"
)

// told is what notifications of a kind say.
type told struct {
	Group Group
	Title string
	Text  string
	Link  string // what to do about it, in mail; "": nothing
}

var kinds = map[Kind]told{
	VerifyAddress: {Security, "Confirm your email address",
		"Confirm that this address is yours, so that we can reach you here.", "Confirm the address"},
	VerifyAddressReminder: {Security, "Your email address is not confirmed yet",
		"Confirm that this address is yours, so that we can reach you here.", "Confirm the address"},
	EmailChanged: {Security, "Your email address was changed",
		"Your account has another email address now. If that was not you, set another password at once.", ""},
	PasswordChanged: {Security, "Your password was changed",
		"Your account has another password now. If that was not you, ask for a reset of the password at once.", ""},
	ResetPassword: {Security, "Set another password",
		"Somebody has asked to set another password for your account. If that was not you, there is nothing to do.", "Set another password"},
	FileShared: {Files, "A file was shared with you",
		"Somebody has shared a file with you. You find it among your files.", ""},
	FileRejected: {Files, "A file was rejected",
		"What you uploaded is not what was announced, so it was not kept. Upload the file again.", ""},
	PaymentCaptured: {Payments, "Your payment was made",
		"A payment of yours was captured.", ""},
	PaymentDeclined: {Payments, "Your payment was declined",
		"A payment of yours was declined. Nothing was charged.", ""},
	PaymentRefunded: {Payments, "Your payment was refunded",
		"A payment of yours was refunded, all of it or a part.", ""},
}

// about is what notifications of a kind say. One that this build does not know is shown all
// the same.
func (k Kind) about() told {
	if t, ok := kinds[k]; ok {
		return t
	}
	return told{Security, "Something has happened", "There is news about your account.", ""}
}
