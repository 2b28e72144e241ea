package core

import (
	"context"
	"slices"
)

// feedBatch is how many events are read at a time.
const feedBatch = 200

// Feed gives committed events in order, to those who may see them.
type Feed struct{ store Store }

// NewFeed returns the use case.
func NewFeed(s Store) *Feed { return &Feed{store: s} }

// Fed is a part of the feed.
type Fed struct {
	Events []Event
	// Position is how far was read. It is past the last event if what followed
	// it was not for this actor.
	Position int64
	// More tells that events may be left that could be read at once.
	More bool
}

// Now returns the position after which only what has not happened yet comes.
// Errors: fault.Forbidden for an actor without a feed.
func (f *Feed) Now(ctx context.Context, by Actor) (int64, error) {
	if err := mayFollow(by); err != nil {
		return 0, err
	}
	return f.store.LastPosition(ctx)
}

// mayFollow lets an engine follow too, for the withdrawals.
func mayFollow(by Actor) error {
	if by.May(PermitReport) {
		return nil
	}
	return by.Require(PermitRead)
}

// After returns the next events after a position that the actor may see: all
// to those who read the configuration, those about assessments in sight to
// other readers, and to engines which assessments they need not run any more.
// Errors: fault.Forbidden.
func (f *Feed) After(ctx context.Context, by Actor, filter EventFilter, position int64) (*Fed, error) {
	if err := mayFollow(by); err != nil {
		return nil, err
	}
	fed, err := f.next(ctx, by.OrganizationID, filter, position)
	if err != nil {
		return nil, err
	}
	fed.Events, err = f.visible(ctx, by, fed.Events)
	return fed, err
}

// next reads a batch and how far it reaches: to its last event if there are
// more, and else over all that does not pass the filter, so that nobody reads
// that again. How far there are events is read first: one that comes meanwhile
// is for the next time.
func (f *Feed) next(ctx context.Context, organization ID, filter EventFilter, position int64) (*Fed, error) {
	last, err := f.store.LastPosition(ctx)
	if err != nil {
		return nil, err
	}
	events, err := f.store.EventsAfter(ctx, organization, filter, position, feedBatch)
	if err != nil {
		return nil, err
	}
	fed := &Fed{Events: events, Position: max(position, last), More: len(events) == feedBatch}
	if n := len(events); n > 0 && (fed.More || events[n-1].Position > last) {
		fed.Position = events[n-1].Position
	}
	return fed, nil
}

func (f *Feed) visible(ctx context.Context, by Actor, events []Event) ([]Event, error) {
	if !by.May(PermitRead) {
		return slices.DeleteFunc(events, func(e Event) bool {
			return e.Type != EventAssessmentCancelled && e.Type != EventAssessmentExpired
		}), nil
	}
	if by.May(PermitReadSetup) {
		return slices.DeleteFunc(events, func(e Event) bool { return !by.May(auditsOf(e)) }), nil
	}
	sight, err := sightOf(ctx, f.store, by)
	if err != nil {
		return nil, err
	}
	var ids []ID
	for _, e := range events {
		if e.SubjectID.Prefix() == PrefixAssessment {
			ids = append(ids, e.SubjectID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	seen, err := f.store.AssessmentsByID(ctx, by.OrganizationID, sight, ids)
	if err != nil {
		return nil, err
	}
	sight.conceal(events)
	return slices.DeleteFunc(events, func(e Event) bool {
		return !slices.ContainsFunc(seen, func(a Assessment) bool { return a.ID == e.SubjectID })
	}), nil
}

// auditsOf returns the permission that an event asks for beside reading the
// configuration.
func auditsOf(e Event) Permission {
	switch e.SubjectID.Prefix() {
	case PrefixToken, PrefixSession:
		return PermitTokens
	default:
		return PermitRead
	}
}

// Endings returns, for the system alone, what ended admissions after a
// position: revoked tokens and ended sessions of all organizations.
func (f *Feed) Endings(ctx context.Context, position int64) (*Fed, error) {
	ends := EventFilter{Types: []EventType{EventTokenRevoked, EventSessionEnded}}
	return f.next(ctx, "", ends, position)
}

// Latest returns the highest position, for the system alone.
func (f *Feed) Latest(ctx context.Context) (int64, error) { return f.store.LastPosition(ctx) }
