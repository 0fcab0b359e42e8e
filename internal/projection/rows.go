package projection

import (
	"context"
	"errors"

	"github.com/interview-sandbox/annals/internal/es"
)

// Key names a row of one generation of a view.
type Key struct {
	View       string
	Generation int
	ID         string
}

// Row is what is stored of a row besides its data.
type Row struct {
	Version es.Version // of the stream that the row shows; 0: there is no row
	// Parked is the version through which the stream counts as projected although the row
	// is behind, because it is parked, see [ParkedStore]; 0: it is not.
	Parked es.Version
}

// Place is where a row stands in a list of its view. With either part empty it is nowhere.
type Place struct {
	Partition string // rows are listed by partition
	Sort      string // and in the order of this
}

// ErrShape: a row was stored by a build that had another type for it.
var ErrShape = errors.New("the stored row is of another type; a rebuild of the view makes it anew")

// ErrUnfit: the table does not take a row, whatever is tried.
var ErrUnfit = errors.New("the table does not take the row")

// Nowhere reports whether the row is not in the list.
func (p Place) Nowhere() bool { return p.Partition == "" || p.Sort == "" }

// Lists is how many lists a view can have.
const Lists = 2

// Change is the next state of a row.
type Change struct {
	Key    Key
	Was    Row // what has to be stored
	Now    Row
	Data   any // encoded with its json tags
	Places [Lists]Place
	Totals []Delta // added in the same transaction
}

// InsertLimit is how many rows can be inserted at once.
const InsertLimit = 25

// Delta is what a change adds to the numbers of a total.
type Delta struct {
	Key Key
	Add map[string]int64
}

// Rows keeps the rows of views.
type Rows interface {
	// Load decodes a row's data into the pointer. A read that is not consistent costs half
	// and may be a moment old. The error is [ErrShape] if the data cannot be decoded; what
	// else is stored of the row comes with it.
	Load(ctx context.Context, k Key, into any, consistent bool) (Row, error)

	// Save makes a change, its totals with it, or nothing. [ErrUnfit] if the row can never be
	// stored. The error is [es.ErrConflict] if
	// the row is not what it has to be, and [es.ErrTooLarge] if it does not fit.
	Save(ctx context.Context, c Change) error

	// Insert makes up to [InsertLimit] changes of rows that are not there yet, which have no
	// totals. It gives the places of those that were not made, for whatever reason.
	Insert(ctx context.Context, changes []Change) (refused []int, err error)

	// List calls each with the data of the rows of one partition of a list, as a function
	// that decodes it, in the order of Place.Sort from after on. It returns where the next
	// page starts, "" at the end.
	List(ctx context.Context, q Listing, each func(decode func(into any) error) error) (next string, err error)

	// Total gives the numbers of a total; one that nothing was added to is empty.
	Total(ctx context.Context, k Key) (map[string]int64, error)

	// Purge removes a page of what is stored of a view's generations that were dropped: rows,
	// totals and the parts of rebuilds, from a place that an earlier page ended at, or from
	// the start if that is nil. It returns where the next page starts, nil at the end. What
	// is written meanwhile may stay.
	Purge(ctx context.Context, view string, dropped func(generation int) bool, after []byte) (next []byte, err error)
}

// ErrPlace refuses a place in a list that no page has ended at.
var ErrPlace = &es.Error{Kind: es.Malformed, Code: "malformed", Message: "?cursor= takes the nextCursor of an earlier answer to the same request."}

// Listing asks for a page of a list.
type Listing struct {
	View       string
	Generation int
	List       int // which of the view's lists, from 0
	Partition  string
	Prefix     string // of Place.Sort
	After      string // where the page before ended; "": from the start
	Limit      int
	Veiled     bool // see [Query]
}
