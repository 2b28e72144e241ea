package account

import (
	"slices"
	"time"
)

// maxRows bounds each table; maxBytes bounds all attachments together.
const (
	maxRows  = 100_000
	maxBytes = 512 << 20
)

// stamp is a moment as Greenhouse writes it: UTC with milliseconds, null for none.
type stamp time.Time

func (s stamp) MarshalJSON() ([]byte, error) {
	if time.Time(s).IsZero() {
		return []byte("null"), nil
	}
	return time.Time(s).UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000Z"`), nil
}

// record is what every row has.
type record struct {
	ID        int64 `json:"id"`
	CreatedAt stamp `json:"created_at"`
	UpdatedAt stamp `json:"updated_at"`
}

func (r *record) head() *record { return r }

type row interface{ head() *record }

// table is rows in the order of their ids.
type table[R row] struct {
	next int64
	rows []R
}

// add gives a row its id and keeps it.
func (t *table[R]) add(r R, now time.Time) R {
	h := r.head()
	if h.ID == 0 {
		h.ID = t.next
	}
	t.next = max(t.next, h.ID+1)
	h.CreatedAt, h.UpdatedAt = stamp(now), stamp(now)
	t.rows = append(t.rows, r)
	return r
}

func (t *table[R]) at(id int64) (int, bool) {
	return slices.BinarySearchFunc(t.rows, id, func(r R, id int64) int {
		switch have := r.head().ID; {
		case have < id:
			return -1
		case have > id:
			return 1
		default:
			return 0
		}
	})
}

// find returns the row, or its zero value and false.
func (t *table[R]) find(id int64) (R, bool) {
	at, ok := t.at(id)
	if !ok {
		var none R
		return none, false
	}
	return t.rows[at], true
}

func (t *table[R]) drop(id int64) {
	if at, ok := t.at(id); ok {
		t.rows = slices.Delete(t.rows, at, at+1)
	}
}

func (t *table[R]) full() bool { return len(t.rows) >= maxRows }

// dropIf removes the rows that match.
func (t *table[R]) dropIf(match func(R) bool) { t.rows = slices.DeleteFunc(t.rows, match) }

// world is all that the account holds. The account's lock guards it.
type world struct {
	candidates        table[*candidate]
	applications      table[*application]
	applicationStages table[*applicationStage]
	jobs              table[*job]
	stages            table[*jobStage]
	interviews        table[*jobInterview]
	openings          table[*opening]
	users             table[*user]
	roles             table[*userRole]
	notes             table[*note]
	attachments       table[*attachment]
	tags              table[*tag]
	appliedTags       table[*appliedTag]
	fields            table[*customField]
	options           table[*fieldOption]
	reasons           table[*reason]
	rejections        table[*rejection]
	templates         table[*emailTemplate]
	sources           table[*source]
	referrers         table[*referrer]
	scorecards        table[*scorecard]
	organization      int64
	stored            int // bytes of attachments
}

// touch says that something about the row changed.
func touch(r row, now time.Time) { r.head().UpdatedAt = stamp(now) }
