package model

import (
	"maps"
	"slices"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
)

// ReferenceList is what people can choose in an ATS.
type ReferenceList struct {
	of    *core.ReferenceAnswer
	first int
}

// NewReferenceList is a view of the first items of a, or nil of nil.
func NewReferenceList(a *core.ReferenceAnswer, first int) *ReferenceList {
	if a == nil {
		return nil
	}
	return &ReferenceList{a, first}
}

// Items are the first of those that were found.
func (l ReferenceList) Items() []ReferenceItem {
	items := make([]ReferenceItem, min(l.first, len(l.of.Items)))
	for i := range items {
		items[i] = ReferenceItem{&l.of.Items[i]}
	}
	return items
}

// Total is how many were found.
func (l ReferenceList) Total() int { return len(l.of.Items) }

// FetchedAt is when the ATS said so.
func (l ReferenceList) FetchedAt() time.Time { return l.of.FetchedAt }

// AgeSeconds is how long ago that is.
func (l ReferenceList) AgeSeconds() int { return int(l.of.Age.Seconds()) }

// Stale tells whether it should have been read anew.
func (l ReferenceList) Stale() bool { return l.of.Stale }

// Error is nil if it could be read anew, or need not.
func (l ReferenceList) Error() *string { return optional(l.of.Problem) }

// Truncated tells whether the ATS has more.
func (l ReferenceList) Truncated() bool { return l.of.Truncated }

// ReferenceItem is one thing to choose.
type ReferenceItem struct{ of *ats.ReferenceItem }

// ID is its id at the ATS.
func (i ReferenceItem) ID() string { return i.of.ID }

// Name is its name.
func (i ReferenceItem) Name() string { return i.of.Name }

// ParentID is nil if it belongs to nothing.
func (i ReferenceItem) ParentID() *string { return optional(i.of.Parent) }

// Active tells whether it can be chosen.
func (i ReferenceItem) Active() bool { return i.of.Active }

// ReferenceDetail is one fact.
type ReferenceDetail struct{ Name, Value string }

// Details are what else is known, by name.
func (i ReferenceItem) Details() []ReferenceDetail {
	details := make([]ReferenceDetail, 0, len(i.of.Details))
	for _, name := range slices.Sorted(maps.Keys(i.of.Details)) {
		details = append(details, ReferenceDetail{name, i.of.Details[name]})
	}
	return details
}
