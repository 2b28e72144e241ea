package core

import (
	"slices"

	"github.com/trellis-ats/trellis/core/fault"
)

// MaxPage is the most rows that one page has.
const MaxPage = 100

// Page asks for a part of a list by keyset. Lists are ordered by ID, which is
// by time. Set First (with After) or Last (with Before); a zero Page is the
// first 50.
type Page struct {
	First  int
	After  ID
	Last   int
	Before ID
}

// Normalize fills in the default and checks the bounds. Errors: fault.Invalid.
func (p Page) Normalize() (Page, error) {
	if p.First == 0 && p.Last == 0 {
		p.First = 50
	}
	if p.First < 0 || p.First > MaxPage {
		return p, fault.InvalidField("first", "OUT_OF_RANGE", "first is from 1 to %d.", MaxPage)
	}
	if p.Last < 0 || p.Last > MaxPage {
		return p, fault.InvalidField("last", "OUT_OF_RANGE", "last is from 1 to %d.", MaxPage)
	}
	if p.First > 0 && p.Last > 0 {
		return p, fault.InvalidField("last", "AMBIGUOUS", "Ask for first or for last, not for both.")
	}
	return p, nil
}

// Paged is a part of a list.
type Paged[T any] struct {
	Items       []T
	HasNext     bool
	HasPrevious bool
}

// pageOf cuts a page out of a whole list, for the short ones that the store
// gives at once. A cursor that the list does not hold cuts nothing off.
func pageOf[T any](all []T, id func(T) ID, p Page) *Paged[T] {
	from, to := 0, len(all)
	if i := slices.IndexFunc(all, func(t T) bool { return id(t) == p.After }); p.After != "" && i >= 0 {
		from = i + 1
	}
	if i := slices.IndexFunc(all, func(t T) bool { return id(t) == p.Before }); p.Before != "" && i >= from {
		to = i
	}
	if p.First > 0 {
		to = min(to, from+p.First)
	} else {
		from = max(from, to-p.Last)
	}
	return &Paged[T]{Items: all[from:to], HasNext: to < len(all), HasPrevious: from > 0}
}
