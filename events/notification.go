package events

// Notification is an event on a stream "notification#<id>": one message to a person.
type Notification interface {
	Event
	notification()
}

var notificationEvents = []definition{
	current[NotificationRequested](),
}

// NotificationRequested asks for a message to be sent. What it says, and to which address,
// is found when it is sent.
type NotificationRequested struct {
	UserID string `json:"userId"`
	Kind   string `json:"kind"` // "verify-address", "verify-address-reminder"
}

// EventType implements [Event].
func (NotificationRequested) EventType() string { return "notification.requested.v1" }

func (NotificationRequested) notification() {}
