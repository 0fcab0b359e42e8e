package events

var userEvents = []definition{
	current[UserNameChanged](),
	current[UserLocaleChanged](),
	current[UserAvatarChanged](),
	current[UserRoleGranted](),
	current[UserRoleRevoked](),
	current[UserSuspended](),
	current[UserReactivated](),
	current[UserErasureRequested](),
	current[UserKeyDestroyed](),
	current[UserErased](),
}

// UserNameChanged gives a person another name.
type UserNameChanged struct {
	Old string `json:"old" data:"personal"`
	New string `json:"new" data:"personal"`
}

// UserLocaleChanged tells in which language and by whose customs a person is addressed.
type UserLocaleChanged struct {
	Locale string `json:"locale" data:"personal"` // BCP 47; "": none is known
}

// UserAvatarChanged gives a person another picture.
type UserAvatarChanged struct {
	FileID string `json:"fileId"` // "": none
}

// UserRoleGranted gives an account a role ("operator", "auditor").
type UserRoleGranted struct {
	Role string `json:"role"`
}

// UserRoleRevoked takes a role from an account.
type UserRoleRevoked struct {
	Role string `json:"role"`
}

// UserSuspended keeps a person out until the account is reactivated.
type UserSuspended struct {
	Reason string `json:"reason" data:"personal"`
}

// UserReactivated ends a suspension.
type UserReactivated struct{}

// UserErasureRequested begins the erasure of a person, which nothing ends but [UserErased].
type UserErasureRequested struct{}

// UserKeyDestroyed records that the key with which the person's data was sealed is no more.
type UserKeyDestroyed struct{}

// UserErased records that nothing is kept of the person any more but the shape of what
// happened.
type UserErased struct{}

// EventType implements [Event].
func (UserNameChanged) EventType() string { return "user.name-changed.v1" }

// EventType implements [Event].
func (UserLocaleChanged) EventType() string { return "user.locale-changed.v1" }

// EventType implements [Event].
func (UserAvatarChanged) EventType() string { return "user.avatar-changed.v1" }

// EventType implements [Event].
func (UserRoleGranted) EventType() string { return "user.role-granted.v1" }

// EventType implements [Event].
func (UserRoleRevoked) EventType() string { return "user.role-revoked.v1" }

// EventType implements [Event].
func (UserSuspended) EventType() string { return "user.suspended.v1" }

// EventType implements [Event].
func (UserReactivated) EventType() string { return "user.reactivated.v1" }

// EventType implements [Event].
func (UserErasureRequested) EventType() string { return "user.erasure-requested.v1" }

// EventType implements [Event].
func (UserKeyDestroyed) EventType() string { return "user.key-destroyed.v1" }

// EventType implements [Event].
func (UserErased) EventType() string { return "user.erased.v1" }

// The user module's events are on the account's stream, so the auth module folds them too.
func (UserNameChanged) auth()      {}
func (UserLocaleChanged) auth()    {}
func (UserAvatarChanged) auth()    {}
func (UserRoleGranted) auth()      {}
func (UserRoleRevoked) auth()      {}
func (UserSuspended) auth()        {}
func (UserReactivated) auth()      {}
func (UserErasureRequested) auth() {}
func (UserKeyDestroyed) auth()     {}
func (UserErased) auth()           {}
