package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
)

type assessmentRow struct {
	ID             core.ID            `db:"id"`
	OrganizationID core.ID            `db:"organization_id"`
	TestID         core.ID            `db:"test_id"`
	CandidateID    core.ID            `db:"candidate_id"`
	ConnectionID   core.ID            `db:"connection_id"`
	OrderKey       string             `db:"order_key"`
	Order          JSON[orderJSON]    `db:"ats_order"`
	OrderedBy      string             `db:"ordered_by"`
	Status         core.Status        `db:"status"`
	Delivery       core.DeliveryState `db:"delivery"`
	DeliveryNote   string             `db:"delivery_note"`
	DeliveredRev   int                `db:"delivered_revision"`
	DeliveredAt    Time               `db:"delivered_at"`
	ReportLinkGen  int                `db:"report_link_gen"`
	OrderedAt      Time               `db:"ordered_at"`
	InvitedAt      Time               `db:"invited_at"`
	ConsentedAt    Time               `db:"consented_at"`
	StartedAt      Time               `db:"started_at"`
	CompletedAt    Time               `db:"completed_at"`
	ScoredAt       Time               `db:"scored_at"`
	ClosedAt       Time               `db:"closed_at"`
	ExpiresAt      Time               `db:"expires_at"`
	UpdatedAt      Time               `db:"updated_at"`
}

// orderJSON fixes the stored names of ats.Order. It has the same fields, or
// the conversions below would not compile.
type orderJSON struct {
	ExternalID  string            `json:"externalId,omitempty"`
	CallbackURL string            `json:"callbackUrl,omitempty"`
	Reference   map[string]string `json:"reference,omitempty"`
	Warnings    []string          `json:"warnings,omitempty"`
}

func newAssessmentRow(a *core.Assessment) assessmentRow {
	return assessmentRow{
		ID: a.ID, OrganizationID: a.OrganizationID, TestID: a.TestID, CandidateID: a.CandidateID, ConnectionID: a.ConnectionID,
		OrderKey: a.OrderKey, Order: JSON[orderJSON]{orderJSON(a.Order)}, OrderedBy: a.OrderedBy, Status: a.Status,
		Delivery: a.Delivery, DeliveryNote: a.DeliveryNote, DeliveredRev: a.DeliveredRev, DeliveredAt: Time{a.DeliveredAt},
		ReportLinkGen: a.ReportLinkGen, OrderedAt: Time{a.OrderedAt}, InvitedAt: Time{a.InvitedAt}, ConsentedAt: Time{a.ConsentedAt},
		StartedAt: Time{a.StartedAt}, CompletedAt: Time{a.CompletedAt}, ScoredAt: Time{a.ScoredAt}, ClosedAt: Time{a.ClosedAt},
		ExpiresAt: Time{a.ExpiresAt}, UpdatedAt: Time{a.UpdatedAt},
	}
}

func (r assessmentRow) assessment() core.Assessment {
	return core.Assessment{
		ID: r.ID, OrganizationID: r.OrganizationID, TestID: r.TestID, CandidateID: r.CandidateID, ConnectionID: r.ConnectionID,
		OrderKey: r.OrderKey, Order: ats.Order(r.Order.V), OrderedBy: r.OrderedBy, Status: r.Status,
		Delivery: r.Delivery, DeliveryNote: r.DeliveryNote, DeliveredRev: r.DeliveredRev, DeliveredAt: r.DeliveredAt.Time,
		ReportLinkGen: r.ReportLinkGen, OrderedAt: r.OrderedAt.Time, InvitedAt: r.InvitedAt.Time, ConsentedAt: r.ConsentedAt.Time,
		StartedAt: r.StartedAt.Time, CompletedAt: r.CompletedAt.Time, ScoredAt: r.ScoredAt.Time, ClosedAt: r.ClosedAt.Time,
		ExpiresAt: r.ExpiresAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

// Assessment implements core.AssessmentReader.
func (r reader) Assessment(ctx context.Context, organization, id core.ID) (*core.Assessment, error) {
	return r.assessmentWhere(ctx, "organization_id = $1 AND id = $2", organization, id)
}

// AssessmentByLink implements core.AssessmentReader.
func (r reader) AssessmentByLink(ctx context.Context, id core.ID) (*core.Assessment, error) {
	return r.assessmentWhere(ctx, "id = $1", id)
}

// AssessmentByOrder implements core.AssessmentReader.
func (r reader) AssessmentByOrder(ctx context.Context, connection core.ID, key string) (*core.Assessment, error) {
	return r.assessmentWhere(ctx, "connection_id = $1 AND connection_id <> '' AND order_key = $2", connection, key)
}

// LockAssessment implements core.AssessmentWriter.
func (t *tx) LockAssessment(ctx context.Context, organization, id core.ID) (*core.Assessment, error) {
	return t.assessmentWhere(ctx, "organization_id = $1 AND id = $2"+t.dialect.lock(), organization, id)
}

func (r reader) assessmentWhere(ctx context.Context, condition string, args ...any) (*core.Assessment, error) {
	var row assessmentRow
	if err := r.q.get(ctx, &row, selectFrom[assessmentRow]("assessments")+" WHERE "+condition, args...); err != nil {
		return nil, notFound(err, "assessment")
	}
	a := row.assessment()
	return &a, nil
}

// Assessments implements core.AssessmentReader.
func (r reader) Assessments(ctx context.Context, organization core.ID, f core.AssessmentFilter, p core.Page) (*core.Paged[core.Assessment], error) {
	l := listing{table: "assessments", newestFirst: true}
	l.where.add("organization_id = %s", organization)
	in(&l.where, "status", f.Statuses)
	in(&l.where, "delivery", f.Deliveries)
	equal(&l.where, "test_id", f.TestID)
	equal(&l.where, "candidate_id", f.CandidateID)
	equal(&l.where, "connection_id", f.ConnectionID)
	rows, err := readPage[assessmentRow](ctx, r.q, l, p)
	return convertPage(rows, err, assessmentRow.assessment)
}

// InsertAssessment implements core.AssessmentWriter. A second transaction with
// the same order key waits for the first to end.
func (t *tx) InsertAssessment(ctx context.Context, a *core.Assessment) (bool, error) {
	query := insertInto[assessmentRow]("assessments") + " ON CONFLICT (connection_id, order_key) WHERE connection_id <> '' DO NOTHING"
	n, err := t.q.exec(ctx, query, valuesOf(newAssessmentRow(a))...)
	return n == 1, err
}

// UpdateAssessment implements core.AssessmentWriter. The ids, and what the
// order said, do not change. Errors: fault.NotFound.
func (t *tx) UpdateAssessment(ctx context.Context, a *core.Assessment) error {
	const fixed = 8 // the columns up to ordered_by
	columns, values := columnsOf[assessmentRow]()[fixed:], valuesOf(newAssessmentRow(a))[fixed:]
	changes := make([]string, len(columns))
	for i, c := range columns {
		changes[i] = fmt.Sprintf("%s = $%d", c, i+3)
	}
	query := "UPDATE assessments SET " + strings.Join(changes, ", ") + " WHERE organization_id = $1 AND id = $2 RETURNING id"
	var id core.ID
	return notFound(t.q.get(ctx, &id, query, append([]any{a.OrganizationID, a.ID}, values...)...), "assessment")
}
