package store

import (
	"context"

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
	JobID          core.ID            `db:"job_id"`
	Status         core.Status        `db:"status"`
	Delivery       core.DeliveryState `db:"delivery"`
	Decision       core.Decision      `db:"decision"`
	ATSOutcome     core.ATSOutcome    `db:"ats_outcome"`
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
	ErasedAt       Time               `db:"erased_at"`
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
		OrderKey: a.OrderKey, Order: JSON[orderJSON]{orderJSON(a.Order)}, OrderedBy: a.OrderedBy, JobID: a.JobID,
		Status: a.Status, Delivery: a.Delivery, Decision: a.Decision, ATSOutcome: a.ATSOutcome, DeliveryNote: a.DeliveryNote, DeliveredRev: a.DeliveredRev, DeliveredAt: Time{a.DeliveredAt},
		ReportLinkGen: a.ReportLinkGen, OrderedAt: Time{a.OrderedAt}, InvitedAt: Time{a.InvitedAt}, ConsentedAt: Time{a.ConsentedAt},
		StartedAt: Time{a.StartedAt}, CompletedAt: Time{a.CompletedAt}, ScoredAt: Time{a.ScoredAt}, ClosedAt: Time{a.ClosedAt},
		ExpiresAt: Time{a.ExpiresAt}, UpdatedAt: Time{a.UpdatedAt}, ErasedAt: Time{a.ErasedAt},
	}
}

func (r assessmentRow) assessment() core.Assessment {
	return core.Assessment{
		ID: r.ID, OrganizationID: r.OrganizationID, TestID: r.TestID, CandidateID: r.CandidateID, ConnectionID: r.ConnectionID,
		OrderKey: r.OrderKey, Order: ats.Order(r.Order.V), OrderedBy: r.OrderedBy, JobID: r.JobID,
		Status: r.Status, Delivery: r.Delivery, Decision: r.Decision, ATSOutcome: r.ATSOutcome, DeliveryNote: r.DeliveryNote, DeliveredRev: r.DeliveredRev, DeliveredAt: r.DeliveredAt.Time,
		ReportLinkGen: r.ReportLinkGen, OrderedAt: r.OrderedAt.Time, InvitedAt: r.InvitedAt.Time, ConsentedAt: r.ConsentedAt.Time,
		StartedAt: r.StartedAt.Time, CompletedAt: r.CompletedAt.Time, ScoredAt: r.ScoredAt.Time, ClosedAt: r.ClosedAt.Time,
		ExpiresAt: r.ExpiresAt.Time, UpdatedAt: r.UpdatedAt.Time, ErasedAt: r.ErasedAt.Time,
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

// AssessmentsByID implements core.AssessmentReader.
func (r reader) AssessmentsByID(ctx context.Context, organization core.ID, s core.Sight, ids []core.ID) ([]core.Assessment, error) {
	w := owned(organization)
	w.inSight(s, "job_id %s")
	rows, err := readByID[assessmentRow](ctx, r.q, "assessments", w, ids)
	return convertAll(rows, assessmentRow.assessment), err
}

// Assessments implements core.AssessmentReader.
func (r reader) Assessments(ctx context.Context, organization core.ID, f core.AssessmentFilter, s core.AssessmentSort, p core.Page) (*core.Paged[core.Assessment], error) {
	l := listing{table: "assessments", where: owned(organization), newestFirst: !s.Ascending}
	l.where.inSight(f.Sight, "job_id %s")
	l.key, l.visible = assessmentKey(s), l.where.String()
	l.where.assessments(f)
	rows, err := readPage[assessmentRow](ctx, r.q, l, p)
	return convertPage(rows, err, assessmentRow.assessment)
}

// assessmentKey is what a list is ordered by before the ids. The migrations
// have indexes of these expressions.
func assessmentKey(s core.AssessmentSort) string {
	switch s.By {
	case core.AssessmentsByUpdate:
		return "COALESCE(%[1]s.updated_at, '0001-01-01T00:00:00.000000Z')"
	case core.AssessmentsByScore:
		if s.Ascending {
			return "COALESCE(%[1]s.score, 10001)" // above all scores
		}
		return "COALESCE(%[1]s.score, -1)"
	case core.AssessmentsByCandidate:
		return "(SELECT p.sort_name FROM candidates AS p WHERE p.id = %[1]s.candidate_id)"
	default:
		return ""
	}
}

func (w *where) assessments(f core.AssessmentFilter) {
	in(w, "status %s", f.Statuses)
	in(w, "delivery %s", f.Deliveries)
	equal(w, "test_id", f.TestID)
	equal(w, "candidate_id", f.CandidateID)
	equal(w, "connection_id", f.ConnectionID)
	equal(w, "job_id", f.JobID)
	if !f.OrderedFrom.IsZero() {
		w.add("ordered_at >= %s", Time{f.OrderedFrom})
	}
	if !f.OrderedUntil.IsZero() {
		w.add("ordered_at < %s", Time{f.OrderedUntil})
	}
	if f.MinScore != nil {
		w.add("score >= %s", *f.MinScore)
	}
	if f.MaxScore != nil {
		w.add("score <= %s", *f.MaxScore)
	}
	// $1 is the organization. Nothing refers to the outer row, so that the
	// candidates are searched once.
	w.search(f.Search, "candidate_id IN (SELECT p.id FROM candidates AS p WHERE p.organization_id = $1 AND p.search_text %s)")
}

// InsertAssessment implements core.AssessmentWriter. A second transaction with
// the same order key waits for the first to end.
func (t *tx) InsertAssessment(ctx context.Context, a *core.Assessment) (bool, error) {
	query := insertInto[assessmentRow]("assessments") + " ON CONFLICT (connection_id, order_key) WHERE connection_id <> '' DO NOTHING"
	n, err := t.q.exec(ctx, query, valuesOf(newAssessmentRow(a))...)
	return n == 1, err
}

// UpdateAssessment implements core.AssessmentWriter. The ids but the job's,
// and what the order said, do not change. Errors: fault.NotFound.
func (t *tx) UpdateAssessment(ctx context.Context, a *core.Assessment) error {
	const fixed = 8 // the columns up to ordered_by
	return update(ctx, t.q, "assessments", "assessment", newAssessmentRow(a), columnsOf[assessmentRow]()[fixed:]...)
}
