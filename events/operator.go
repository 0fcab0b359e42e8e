package events

// View is an event on a stream "view#<name>": what operators, and the workers they set to
// work, did to the generations of one read model.
type View interface {
	Event
	view()
}

var operatorEvents = []definition{
	current[ViewRebuildStarted](),
	current[ViewRebuilt](),
	current[ViewSwitched](),
	current[ViewRolledBack](),
	current[ViewGenerationDropped](),
	current[ViewRedriven](),
}

// ViewRebuildStarted begins a new generation of a view.
type ViewRebuildStarted struct {
	Generation int `json:"generation"`
}

// ViewRebuilt tells that a generation has all that the events say.
type ViewRebuilt struct {
	Generation int `json:"generation"`
}

// ViewSwitched makes a rebuilt generation the one that is read.
type ViewSwitched struct {
	Generation int `json:"generation"`
}

// ViewRolledBack makes the generation that was read before the one that is read again.
type ViewRolledBack struct {
	Generation int `json:"generation"`
}

// ViewGenerationDropped gives up a generation that is not read.
type ViewGenerationDropped struct {
	Generation int `json:"generation"`
}

// ViewRedriven tells that what is parked for a view was to be tried again.
type ViewRedriven struct {
	Stream string `json:"stream"` // the one that was meant; "": all
}

// EventType implements [Event].
func (ViewRebuildStarted) EventType() string { return "view.rebuild-started.v1" }

// EventType implements [Event].
func (ViewRebuilt) EventType() string { return "view.rebuilt.v1" }

// EventType implements [Event].
func (ViewSwitched) EventType() string { return "view.switched.v1" }

// EventType implements [Event].
func (ViewRolledBack) EventType() string { return "view.rolled-back.v1" }

// EventType implements [Event].
func (ViewGenerationDropped) EventType() string { return "view.generation-dropped.v1" }

// EventType implements [Event].
func (ViewRedriven) EventType() string { return "view.redriven.v1" }

func (ViewRebuildStarted) view()    {}
func (ViewRebuilt) view()           {}
func (ViewSwitched) view()          {}
func (ViewRolledBack) view()        {}
func (ViewGenerationDropped) view() {}
func (ViewRedriven) view()          {}
