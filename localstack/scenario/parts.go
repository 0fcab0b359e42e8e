package scenario

import "testing"

// Part is a part of the scenario, about one piece of the API.
type Part struct {
	Name string
	Walk func(t *testing.T, api, unique string, operator, auditor Person)
}

// Parts are all parts of the scenario, in an order in which they can be walked through. Where
// they have been before, unique has to be another one.
func Parts() []Part {
	return []Part{
		{"auth", func(t *testing.T, api, unique string, operator, _ Person) { Auth(t, api, unique, operator) }},
		{"sessions", func(t *testing.T, api, unique string, _, _ Person) { Sessions(t, api, unique) }},
		{"notifications", func(t *testing.T, api, unique string, operator, _ Person) { Notifications(t, api, unique, operator) }},
		{"operator", Operator},
		{"users", Users},
		{"views", func(t *testing.T, api, _ string, operator, auditor Person) { Views(t, api, operator, auditor) }},
		{"system", func(t *testing.T, api, _ string, _, _ Person) { System(t, api) }},
		{"files", Files},
		{"payments", Payments},
	}
}
