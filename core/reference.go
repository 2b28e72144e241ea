package core

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

const (
	// referenceFresh is how long a list counts as fresh if nobody says.
	referenceFresh = 15 * time.Minute
	// referenceDeadline bounds the reading of one list, all its pages.
	referenceDeadline = 30 * time.Second
	// referenceMost is how many items of a list are kept.
	referenceMost = 10_000
)

// ReferenceList is a list of things to choose from, as the ATS gave it last.
type ReferenceList struct {
	OrganizationID ID
	ConnectionID   ID
	Kind           ats.ReferenceKind
	Parent         string // the job's or field's id at the ATS; empty where there is none
	Items          []ats.ReferenceItem
	Truncated      bool      // whether the ATS has more than are kept
	FetchedAt      time.Time // zero: never
	FetchingUntil  time.Time // one process reads it anew until then at most; zero: none
}

// ReferenceReader finds lists.
type ReferenceReader interface {
	// ReferenceList returns one. Errors: fault.NotFound if it was never asked for.
	ReferenceList(ctx context.Context, organization, connection ID, kind ats.ReferenceKind, parent string) (*ReferenceList, error)
}

// ReferenceWriter keeps lists.
type ReferenceWriter interface {
	// LockReferenceList returns one, or fresh if there is none yet, and keeps
	// others from changing it until the transaction ends.
	LockReferenceList(ctx context.Context, fresh *ReferenceList) (*ReferenceList, error)
	// UpdateReferenceList keeps all but which list it is.
	UpdateReferenceList(ctx context.Context, l *ReferenceList) error
}

// ReferenceData are the use cases around what people choose from in an ATS.
type ReferenceData struct {
	store    Store
	clock    Clock
	adapters Adapters
	calls    *Calls
	fresh    time.Duration
}

// ReferenceOptions is what ReferenceData is made of.
type ReferenceOptions struct {
	Store    Store
	Clock    Clock
	Adapters Adapters
	Calls    *Calls
	Fresh    time.Duration // how long a list counts as fresh; 0 means 15 minutes
}

// NewReferenceData returns the use cases.
func NewReferenceData(o ReferenceOptions) *ReferenceData {
	if o.Fresh <= 0 {
		o.Fresh = referenceFresh
	}
	return &ReferenceData{store: o.Store, clock: o.Clock, adapters: o.Adapters, calls: o.Calls, fresh: o.Fresh}
}

// ReferenceQuery says which list, and what of it.
type ReferenceQuery struct {
	ConnectionID ID
	Kind         ats.ReferenceKind
	Parent       string // of stages the job's id at the ATS, of options the field's
	Search       string // in names and e-mail addresses, in any case; empty: all
	Refresh      bool   // read it anew, however fresh it is
}

// ReferenceAnswer is what was found.
type ReferenceAnswer struct {
	Items     []ats.ReferenceItem
	FetchedAt time.Time
	Age       time.Duration
	Stale     bool   // the list is older than it should be, for the reason below
	Problem   string // why it could not be read anew; for people
	Truncated bool   // the ATS has more than are kept: 10,000
}

// List returns what can be chosen. A fresh list is not asked for again; if the
// ATS cannot be asked, the last one is returned with its age and the reason.
// Errors: fault.Forbidden, fault.NotFound, fault.Invalid, fault.Unsupported;
// without any list those of ats.Reference, and fault.RateLimited while the ATS
// cannot be asked.
func (rd *ReferenceData) List(ctx context.Context, by Actor, q ReferenceQuery) (*ReferenceAnswer, error) {
	kept, problem, err := rd.list(ctx, by, q)
	if err != nil {
		return nil, err
	}
	return rd.answer(kept, q.Search, problem), nil
}

// Choices implements the port of that name. A list that was to be fresh and is
// not is an error.
func (rd *ReferenceData) Choices(ctx context.Context, by Actor, q ChoiceQuery) ([]ats.ReferenceItem, error) {
	kept, problem, err := rd.list(ctx, by, ReferenceQuery{ConnectionID: q.ConnectionID, Kind: q.Kind, Parent: q.Parent, Refresh: q.Fresh})
	if err == nil && q.Fresh {
		err = problem
	}
	if err != nil {
		return nil, err
	}
	return kept.Items, nil
}

// list returns what is kept, read anew if it must be, with what kept it from
// that. Errors: those of List.
func (rd *ReferenceData) list(ctx context.Context, by Actor, q ReferenceQuery) (_ *ReferenceList, problem, _ error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, nil, err
	}
	if err := q.validate(); err != nil {
		return nil, nil, err
	}
	c, err := rd.store.Connection(ctx, by.OrganizationID, q.ConnectionID)
	if err != nil {
		return nil, nil, err
	}
	able, err := abilityOf[ats.Reference](rd.adapters, c.Adapter, ats.CapabilityReference)
	if err != nil {
		return nil, nil, err
	}
	kept, err := rd.store.ReferenceList(ctx, c.OrganizationID, c.ID, q.Kind, q.Parent)
	if fault.Is(err, fault.NotFound) {
		kept, err = &ReferenceList{}, nil
	}
	if err != nil || (!q.Refresh && !kept.FetchedAt.IsZero() && rd.age(kept) < rd.fresh) {
		return kept, nil, err
	}
	anew, err := rd.fetch(ctx, c, able, q)
	switch err = told(err); {
	case err == nil:
		return anew, nil, nil
	case kept.FetchedAt.IsZero():
		return nil, nil, err
	default:
		return kept, err, nil
	}
}

func (q ReferenceQuery) validate() error {
	if err := optionalText("search", q.Search, 200); err != nil {
		return err
	}
	switch q.Kind {
	case ats.ReferenceStages, ats.ReferenceCustomFieldOptions:
		return requireText("parentId", q.Parent, 200)
	case ats.ReferenceJobs, ats.ReferenceUsers, ats.ReferenceRejectionReasons, ats.ReferenceEmailTemplates,
		ats.ReferenceCustomFields, ats.ReferenceSources, ats.ReferenceTags:
		if q.Parent != "" {
			return fault.InvalidField("parentId", "UNEXPECTED", "%s belong to no job or field. Leave parentId out.", q.Kind)
		}
		return nil
	default:
		return fault.InvalidField("kind", "UNKNOWN", "There is no list of %q.", string(q.Kind))
	}
}

func (rd *ReferenceData) age(l *ReferenceList) time.Duration { return rd.clock.Now().Sub(l.FetchedAt) }

func (rd *ReferenceData) answer(l *ReferenceList, search string, problem error) *ReferenceAnswer {
	a := &ReferenceAnswer{FetchedAt: l.FetchedAt, Age: rd.age(l), Truncated: l.Truncated, Items: []ats.ReferenceItem{}}
	if problem != nil {
		a.Stale, a.Problem = true, fault.From(problem).Message
	}
	search = strings.ToLower(strings.TrimSpace(search))
	for _, i := range l.Items {
		if strings.Contains(strings.ToLower(i.Name), search) || strings.Contains(strings.ToLower(i.Details["email"]), search) {
			a.Items = append(a.Items, i)
		}
	}
	return a
}

// fetch reads a list anew and keeps it. One process does it at a time.
func (rd *ReferenceData) fetch(ctx context.Context, c *Connection, able ats.Reference, q ReferenceQuery) (*ReferenceList, error) {
	list := &ReferenceList{OrganizationID: c.OrganizationID, ConnectionID: c.ID, Kind: q.Kind, Parent: q.Parent, Items: []ats.ReferenceItem{}}
	if err := rd.beginFetch(ctx, list); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), referenceDeadline)
	defer cancel()
	entry := outboundEntry(c, "reference-data", rd.clock.Now())
	read, err := rd.readAll(ctx, c, able, q, entry)
	entry.explain(told(err), SyncFailed)
	entry.Duration = rd.clock.Now().Sub(entry.StartedAt)
	keeping := rd.store.Atomically(ctx, func(tx Tx) error {
		kept, err := tx.LockReferenceList(ctx, list)
		if err != nil {
			return err
		}
		kept.FetchingUntil = time.Time{}
		if read != nil {
			kept.Items, kept.Truncated, kept.FetchedAt = read.Items, read.Truncated, rd.clock.Now()
		}
		if err := tx.UpdateReferenceList(ctx, kept); err != nil {
			return err
		}
		list = kept
		return appendSyncEntry(ctx, tx, entry)
	})
	return list, settled(err, keeping)
}

// beginFetch keeps other processes from reading the same list.
func (rd *ReferenceData) beginFetch(ctx context.Context, list *ReferenceList) error {
	return rd.store.Atomically(ctx, func(tx Tx) error {
		kept, err := tx.LockReferenceList(ctx, list)
		if err != nil {
			return err
		}
		now := rd.clock.Now()
		if now.Before(kept.FetchingUntil) {
			return &Postponed{For: time.Second, Why: "the list is being read already"}
		}
		kept.FetchingUntil = now.Add(referenceDeadline + settleWithin)
		return tx.UpdateReferenceList(ctx, kept)
	})
}

// readAll reads page after page; no transaction is open.
func (rd *ReferenceData) readAll(ctx context.Context, c *Connection, able ats.Reference, q ReferenceQuery, entry *SyncEntry) (*ReferenceList, error) {
	call, err := rd.calls.Prepare(ctx, c)
	if err != nil {
		return nil, err
	}
	all := &ReferenceList{Items: []ats.ReferenceItem{}}
	query := &ats.ReferenceQuery{Connection: call, Kind: q.Kind, Parent: q.Parent}
	for {
		page, err := rd.readPage(ctx, c, able, query)
		if page != nil {
			entry.Exchanges = append(entry.Exchanges, page.Exchanges...)
		}
		if err != nil {
			return nil, err
		}
		all.Items = append(all.Items, page.Items...)
		all.Truncated = len(all.Items) > referenceMost || (len(all.Items) == referenceMost && page.Next != "")
		if page.Next == "" || len(all.Items) >= referenceMost {
			all.Items = slices.Clip(all.Items[:min(len(all.Items), referenceMost)])
			return all, nil
		}
		if page.Next == query.Cursor {
			return nil, fault.New(fault.Upstream, "The ATS gave the same page twice. The list was not read.")
		}
		query.Cursor = page.Next
	}
}

func (rd *ReferenceData) readPage(ctx context.Context, c *Connection, able ats.Reference, q *ats.ReferenceQuery) (*ats.ReferencePage, error) {
	m, err := rd.adapters.Manifest(c.Adapter)
	if err != nil {
		return nil, err
	}
	claim, err := rd.calls.Claim(ctx, c, requestsOf(m, ats.CapabilityReference))
	if err != nil {
		return nil, err
	}
	page, err := able.List(ctx, q)
	var traces []ats.Trace
	if page != nil {
		traces = append(traces, page.Trace)
	}
	return page, settled(err, claim.Settle(ctx, traces, err))
}

// requestsOf is how many requests one operation of a capability costs at most,
// as the manifest's constraint "requests" says; 1 if it does not.
func requestsOf(m *ats.Manifest, name ats.CapabilityName) int {
	for _, c := range m.Capabilities {
		if n, err := strconv.Atoi(c.Constraints["requests"]); c.Name == name && err == nil && n > 0 {
			return n
		}
	}
	return 1
}
