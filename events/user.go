package events

var userEvents = []definition{
	current[UserNameChanged](),
	current[UserRoleGranted](),
}

// UserNameChanged gives a person another name.
type UserNameChanged struct {
	Old string `json:"old" data:"personal"`
	New string `json:"new" data:"personal"`
}

// UserRoleGranted gives an account a role ("operator", "auditor").
type UserRoleGranted struct {
	Role string `json:"role"`
}

// EventType implements [Event].
func (UserNameChanged) EventType() string { return "user.name-changed.v1" }

// EventType implements [Event].
func (UserRoleGranted) EventType() string { return "user.role-granted.v1" }

// The user module's events are on the account's stream, so the auth module folds them too.
func (UserNameChanged) auth() {}
func (UserRoleGranted) auth() {}
