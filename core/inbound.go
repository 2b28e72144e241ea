package core

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// answerDeadline bounds the work on one call of an ATS, the adapter's two
// translations included.
const answerDeadline = 4500 * time.Millisecond

// Inbound answers what an ATS asks.
type Inbound struct {
	store       Store
	clock       Clock
	adapters    Adapters
	connections *Connections
	assessments *Assessments
	reports     *Reports
	links       *Links
	shape       func(error) *ats.HTTPResponse
	stranger    func() bool
}

// InboundOptions is what Inbound is made of.
type InboundOptions struct {
	Store       Store
	Clock       Clock
	Adapters    Adapters
	Connections *Connections
	Assessments *Assessments
	Reports     *Reports
	Links       *Links
	// Shape gives the answer to a caller whom no adapter can answer.
	Shape func(error) *ats.HTTPResponse
	// NoteStranger reports whether one more call without a known key is written
	// into the sync log, so that a flood of them cannot fill it.
	NoteStranger func() bool
}

// NewInbound returns the use case.
func NewInbound(o InboundOptions) *Inbound {
	return &Inbound{
		store: o.Store, clock: o.Clock, adapters: o.Adapters, connections: o.Connections,
		assessments: o.Assessments, reports: o.Reports, links: o.Links, shape: o.Shape, stranger: o.NoteStranger,
	}
}

// InboundCall is one call of an ATS.
type InboundCall struct {
	Adapter   string
	Route     string // the name of one of the manifest's routes
	Key       Secret // the credential, taken out of the request
	HTTP      ats.HTTPRequest
	Problem   error // why the request could not be read whole; it is refused with this
	RequestID string
}

// Answer does what the ATS asks and returns the answer in the ATS's own form.
// Whatever happens, the sync log has an entry before the answer is given; only
// a flood of callers without a known key is not written down call by call.
func (in *Inbound) Answer(ctx context.Context, call *InboundCall) *ats.HTTPResponse {
	ctx, cancel := context.WithTimeout(ctx, answerDeadline)
	defer cancel()
	entry := &SyncEntry{
		ID: NewID(PrefixSyncEntry), Adapter: call.Adapter, Direction: DirectionInbound, Operation: call.Route,
		Attempt: 1, RequestID: call.RequestID, StartedAt: in.clock.Now(),
	}
	response, err := in.answer(ctx, call, entry)
	if err != nil {
		response = in.shape(err)
	}
	if entry.OrganizationID == "" && !in.stranger() {
		return response
	}
	if err := in.record(context.WithoutCancel(ctx), call, entry, response); err != nil {
		return in.shape(err)
	}
	return response
}

// answer returns an error only if the adapter cannot shape the answer.
func (in *Inbound) answer(ctx context.Context, call *InboundCall, entry *SyncEntry) (*ats.HTTPResponse, error) {
	c, err := in.connections.Authenticate(ctx, call.Adapter, call.Key)
	if err != nil {
		entry.explain(err, SyncRefused)
		return nil, err
	}
	entry.OrganizationID, entry.ConnectionID = c.OrganizationID, c.ID
	adapter, request, err := in.prepare(ctx, call, c)
	if err != nil {
		entry.explain(err, SyncFailed)
		return nil, err
	}
	outcome := in.do(ctx, call, c, adapter, request, entry)
	response, err := adapter.Encode(ctx, request, outcome)
	if err != nil {
		entry.explain(err, SyncFailed)
		return nil, err
	}
	if err := in.fetched(ctx, c, outcome); err != nil {
		entry.explain(err, SyncFailed)
		return nil, err
	}
	return response, nil
}

func (in *Inbound) prepare(ctx context.Context, call *InboundCall, c *Connection) (ats.Inbound, *ats.InboundRequest, error) {
	adapter, err := in.adapters.Inbound(call.Adapter)
	if err != nil {
		return nil, nil, err
	}
	forAdapter, err := forCall(ctx, in.store, in.adapters, c, false)
	if err != nil {
		return nil, nil, err
	}
	return adapter, &ats.InboundRequest{Connection: forAdapter, Route: call.Route, HTTP: call.HTTP}, nil
}

// do decodes and carries out; a refusal is an outcome too.
func (in *Inbound) do(ctx context.Context, call *InboundCall, c *Connection, adapter ats.Inbound, r *ats.InboundRequest, entry *SyncEntry) ats.Outcome {
	command, err := ats.Command(nil), call.Problem
	if err == nil {
		command, err = adapter.Decode(ctx, r)
	}
	var outcome ats.Outcome
	if err == nil {
		outcome, err = in.carryOut(ctx, c, command, entry)
	}
	if err != nil {
		entry.explain(err, refusal(err))
		return &ats.Refused{Fault: fault.From(err)}
	}
	entry.Outcome = SyncOK
	return outcome
}

// refusal tells a caller's mistake from a failure of ours.
func refusal(err error) SyncOutcome {
	switch fault.CodeOf(err) {
	case fault.Invalid, fault.NotFound, fault.Conflict, fault.Unauthenticated, fault.Forbidden, fault.TooLarge:
		return SyncRefused
	default:
		return SyncFailed
	}
}

func (in *Inbound) carryOut(ctx context.Context, c *Connection, command ats.Command, entry *SyncEntry) (ats.Outcome, error) {
	by := ofATS(c)
	switch command := command.(type) {
	case *ats.ListTests:
		return in.listTests(ctx, c)
	case *ats.PlaceOrder:
		return in.placeOrder(ctx, c, command, entry)
	case *ats.ReadStatus:
		return in.readStatus(ctx, c, command, entry)
	case *ats.RecordError:
		return in.recordError(ctx, by, command, entry)
	case *ats.ReadReport:
		return in.readReport(ctx, by, command, entry)
	default:
		return nil, fault.New(fault.Unsupported, "This call is not supported.")
	}
}

// listTests gives all tests at once: the ATS has no pages.
func (in *Inbound) listTests(ctx context.Context, c *Connection) (ats.Outcome, error) {
	list := &ats.TestList{}
	page := Page{First: MaxPage}
	for {
		tests, err := in.store.Tests(ctx, c.OrganizationID, TestFilter{}, page)
		if err != nil {
			return nil, err
		}
		for _, t := range tests.Items {
			list.Tests = append(list.Tests, ats.TestRecord{ID: string(t.ID), Name: t.Name, Modality: string(t.Modality)})
			page.After = t.ID
		}
		if !tests.HasNext {
			return list, nil
		}
	}
}

func (in *Inbound) placeOrder(ctx context.Context, c *Connection, o *ats.PlaceOrder, entry *SyncEntry) (ats.Outcome, error) {
	placed, err := in.assessments.Place(ctx, c, o)
	if err != nil {
		return nil, err
	}
	entry.AssessmentID = ID(placed.AssessmentIDs[0])
	notes := o.Order.Warnings
	if placed.Repeated {
		notes = append([]string{"A repeat: the order was placed before."}, notes...)
	}
	entry.Message = strings.Join(notes, " ")
	return placed, nil
}

// known returns the assessment that the ATS means, if this connection ordered it.
func (in *Inbound) known(ctx context.Context, c *Connection, id, key string) (*Assessment, error) {
	unknown := fault.New(fault.NotFound, "There is no assessment with this id.")
	a, err := in.find(ctx, c, id, key)
	if fault.Is(err, fault.NotFound) || (err == nil && a.ConnectionID != c.ID) {
		return nil, unknown
	}
	return a, err
}

func (in *Inbound) find(ctx context.Context, c *Connection, id, key string) (*Assessment, error) {
	if id == "" && key != "" {
		return in.store.AssessmentByOrder(ctx, c.ID, key)
	}
	parsed, err := ParseID(PrefixAssessment, id)
	if err != nil {
		return nil, err
	}
	return in.store.Assessment(ctx, c.OrganizationID, parsed)
}

func (in *Inbound) readStatus(ctx context.Context, c *Connection, q *ats.ReadStatus, entry *SyncEntry) (ats.Outcome, error) {
	a, err := in.known(ctx, c, q.AssessmentID, q.Key)
	if err != nil {
		return nil, err
	}
	entry.AssessmentID = a.ID
	p, err := progressOf(ctx, in.store, in.links, a)
	if err != nil {
		return nil, err
	}
	return &ats.Status{Progress: *p}, nil
}

// fetched notes that the ATS came for a result itself, which is a delivery too.
func (in *Inbound) fetched(ctx context.Context, c *Connection, o ats.Outcome) error {
	status, ok := o.(*ats.Status)
	if !ok || status.Progress.Result == nil {
		return nil
	}
	a, err := in.store.Assessment(ctx, c.OrganizationID, ID(status.Progress.AssessmentID))
	if err != nil || a.DeliveredRev >= status.Progress.Result.Revision {
		return err
	}
	by := ofATS(c)
	_, err = changeAssessment(ctx, in.store, in.clock, a.OrganizationID, a.ID, func(tx Tx, a *Assessment, now time.Time) error {
		return a.delivered(ctx, tx, by, status.Progress.Result.Revision, now)
	})
	return err
}

func (in *Inbound) recordError(ctx context.Context, by Actor, e *ats.RecordError, entry *SyncEntry) (ats.Outcome, error) {
	subject := by.ID
	if id, err := ParseID(PrefixAssessment, e.AssessmentID); err == nil {
		if a, err := in.store.Assessment(ctx, by.OrganizationID, id); err == nil {
			subject, entry.AssessmentID = a.ID, a.ID
			if !a.ErasedAt.IsZero() { // what the ATS says may name them
				entry.Message, entry.Exchanges = "The ATS did not accept our answer about somebody who was erased. What it said was not kept.", []ats.Exchange{}
				return &ats.ErrorRecorded{}, nil
			}
		}
	}
	entry.Message = cut(fmt.Sprintf("The ATS did not accept our answer to %s: %s", e.Operation, strings.Join(e.Errors, "; ")), 4000)
	data := map[string]any{"operation": e.Operation, "errors": e.Errors}
	return &ats.ErrorRecorded{}, in.store.Atomically(ctx, func(tx Tx) error {
		return appendEvent(ctx, tx, by, in.clock.Now(), EventATSReportedError, subject, data)
	})
}

func (in *Inbound) readReport(ctx context.Context, by Actor, q *ats.ReadReport, entry *SyncEntry) (ats.Outcome, error) {
	id, err := ParseID(PrefixAssessment, q.AssessmentID)
	if err != nil {
		return nil, err
	}
	address, until, err := in.reports.Sign(ctx, by, id)
	if err != nil {
		return nil, err
	}
	entry.AssessmentID = id
	return &ats.ReportLink{URL: address, ExpiresAt: until}, nil
}

// record keeps the entry with what was said.
func (in *Inbound) record(ctx context.Context, call *InboundCall, entry *SyncEntry, response *ats.HTTPResponse) error {
	r := redactor{}
	if m, err := in.adapters.Manifest(call.Adapter); err == nil {
		r.sensitive = m.Sensitive
	}
	x := r.exchange(call.HTTP, response)
	x.StartedAt, x.Duration = entry.StartedAt, in.clock.Now().Sub(entry.StartedAt)
	if entry.Duration = x.Duration; entry.Exchanges == nil { // else none is to be kept
		entry.Exchanges = []ats.Exchange{x}
	}
	ctx, cancel := context.WithTimeout(ctx, answerDeadline)
	defer cancel()
	return in.store.Atomically(ctx, func(tx Tx) error { return appendSyncEntry(ctx, tx, entry) })
}
