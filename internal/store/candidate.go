package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/trellis-ats/trellis/core"
)

type candidateRow struct {
	ID             core.ID `db:"id"`
	OrganizationID core.ID `db:"organization_id"`
	ConnectionID   core.ID `db:"connection_id"`
	ExternalID     string  `db:"external_id"`
	FirstName      string  `db:"first_name"`
	LastName       string  `db:"last_name"`
	PreferredName  string  `db:"preferred_name"`
	Email          string  `db:"email"`
	Phone          string  `db:"phone"`
	ProfileURL     string  `db:"profile_url"`
	CreatedAt      Time    `db:"created_at"`
	UpdatedAt      Time    `db:"updated_at"`
	SortName       string  `db:"sort_name"`
	SearchText     string  `db:"search_text"`
	ErasedAt       Time    `db:"erased_at"`
}

func newCandidateRow(c *core.Candidate) candidateRow {
	return candidateRow{
		ID: c.ID, OrganizationID: c.OrganizationID, ConnectionID: c.ConnectionID, ExternalID: c.ExternalID,
		FirstName: c.FirstName, LastName: c.LastName, PreferredName: c.PreferredName, Email: c.Email, Phone: c.Phone,
		ProfileURL: c.ProfileURL, CreatedAt: Time{c.CreatedAt}, UpdatedAt: Time{c.UpdatedAt},
		SortName: sortName(c), SearchText: searchText(c), ErasedAt: Time{c.ErasedAt},
	}
}

// sortName is what lists of people are ordered by. It is made here because the
// databases know different letters' cases and orders.
func sortName(c *core.Candidate) string {
	return strings.ToLower(strings.TrimSpace(c.LastName + " " + c.FirstName))
}

// searchText is what part of is searched for. A search has no line break, so
// it finds nothing across two lines.
func searchText(c *core.Candidate) string {
	return strings.ToLower(c.FirstName + " " + c.LastName + "\n" + c.PreferredName + " " + c.LastName + "\n" + c.Email)
}

// search narrows to rows whose candidate has the text; condition has %s for
// "LIKE …" on the candidate's search_text.
func (w *where) search(text, condition string) {
	if text == "" {
		return
	}
	literal := strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(strings.ToLower(text))
	w.add(fmt.Sprintf(condition, `LIKE %s ESCAPE '\'`), "%"+literal+"%")
}

// candidate leaves out the external id of one who was erased: it only keeps
// the row apart from others.
func (r candidateRow) candidate() core.Candidate {
	if !r.ErasedAt.IsZero() {
		r.ExternalID = ""
	}
	return core.Candidate{
		ID: r.ID, OrganizationID: r.OrganizationID, ConnectionID: r.ConnectionID, ExternalID: r.ExternalID,
		FirstName: r.FirstName, LastName: r.LastName, PreferredName: r.PreferredName, Email: r.Email, Phone: r.Phone,
		ProfileURL: r.ProfileURL, CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time, ErasedAt: r.ErasedAt.Time,
	}
}

// Candidate implements core.CandidateReader.
func (r reader) Candidate(ctx context.Context, organization, id core.ID) (*core.Candidate, error) {
	var row candidateRow
	err := r.q.get(ctx, &row, selectFrom[candidateRow]("candidates")+" WHERE organization_id = $1 AND id = $2", organization, id)
	if err != nil {
		return nil, notFound(err, "candidate")
	}
	c := row.candidate()
	return &c, nil
}

// assessedInSight is a condition for inSight on candidates.
const assessedInSight = `EXISTS (SELECT 1 FROM assessments AS a
	WHERE a.candidate_id = candidates.id AND a.organization_id = candidates.organization_id AND a.job_id %s)`

// CandidatesByID implements core.CandidateReader.
func (r reader) CandidatesByID(ctx context.Context, organization core.ID, s core.Sight, ids []core.ID) ([]core.Candidate, error) {
	w := owned(organization)
	w.inSight(s, assessedInSight)
	rows, err := readByID[candidateRow](ctx, r.q, "candidates", w, ids)
	return convertAll(rows, candidateRow.candidate), err
}

// Candidates implements core.CandidateReader.
func (r reader) Candidates(ctx context.Context, organization core.ID, f core.CandidateFilter, p core.Page) (*core.Paged[core.Candidate], error) {
	l := listing{table: "candidates", where: owned(organization), newestFirst: true}
	l.where.inSight(f.Sight, assessedInSight)
	l.where.search(f.Search, "search_text %s")
	rows, err := readPage[candidateRow](ctx, r.q, l, p)
	return convertPage(rows, err, candidateRow.candidate)
}

// SaveCandidate implements core.CandidateWriter.
func (t *tx) SaveCandidate(ctx context.Context, c *core.Candidate) error {
	same := "(connection_id, external_id) WHERE external_id <> ''"
	if c.ExternalID == "" {
		same = "(organization_id, connection_id, email) WHERE external_id = ''"
	}
	query := insertInto[candidateRow]("candidates") + " ON CONFLICT " + same + ` DO UPDATE SET
		first_name = excluded.first_name, last_name = excluded.last_name, preferred_name = excluded.preferred_name,
		email = excluded.email, phone = excluded.phone, profile_url = excluded.profile_url, updated_at = excluded.updated_at,
		sort_name = excluded.sort_name, search_text = excluded.search_text
		WHERE candidates.organization_id = excluded.organization_id
		RETURNING id, created_at`
	var kept struct {
		ID        core.ID `db:"id"`
		CreatedAt Time    `db:"created_at"`
	}
	if err := t.q.get(ctx, &kept, query, valuesOf(newCandidateRow(c))...); err != nil {
		return notFound(err, "connection")
	}
	c.ID, c.CreatedAt = kept.ID, kept.CreatedAt.Time
	return nil
}

// LockCandidate implements core.CandidateWriter.
func (t *tx) LockCandidate(ctx context.Context, organization, id core.ID) (*core.Candidate, error) {
	var row candidateRow
	query := selectFrom[candidateRow]("candidates") + " WHERE organization_id = $1 AND id = $2" + t.dialect.lock()
	if err := t.q.get(ctx, &row, query, organization, id); err != nil {
		return nil, notFound(err, "candidate")
	}
	c := row.candidate()
	return &c, nil
}

// UpdateCandidate implements core.CandidateWriter.
func (t *tx) UpdateCandidate(ctx context.Context, c *core.Candidate) error {
	return update(ctx, t.q, "candidates", "candidate", newCandidateRow(c),
		"first_name", "last_name", "preferred_name", "phone", "sort_name", "search_text", "updated_at")
}
