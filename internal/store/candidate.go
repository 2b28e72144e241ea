package store

import (
	"context"

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
}

func newCandidateRow(c *core.Candidate) candidateRow {
	return candidateRow{
		ID: c.ID, OrganizationID: c.OrganizationID, ConnectionID: c.ConnectionID, ExternalID: c.ExternalID,
		FirstName: c.FirstName, LastName: c.LastName, PreferredName: c.PreferredName, Email: c.Email, Phone: c.Phone,
		ProfileURL: c.ProfileURL, CreatedAt: Time{c.CreatedAt}, UpdatedAt: Time{c.UpdatedAt},
	}
}

func (r candidateRow) candidate() core.Candidate {
	return core.Candidate{
		ID: r.ID, OrganizationID: r.OrganizationID, ConnectionID: r.ConnectionID, ExternalID: r.ExternalID,
		FirstName: r.FirstName, LastName: r.LastName, PreferredName: r.PreferredName, Email: r.Email, Phone: r.Phone,
		ProfileURL: r.ProfileURL, CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
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

// CandidatesByID implements core.CandidateReader.
func (r reader) CandidatesByID(ctx context.Context, organization core.ID, ids []core.ID) ([]core.Candidate, error) {
	rows, err := readByID[candidateRow](ctx, r.q, "candidates", organization, ids)
	return convertAll(rows, candidateRow.candidate), err
}

// SaveCandidate implements core.CandidateWriter.
func (t *tx) SaveCandidate(ctx context.Context, c *core.Candidate) error {
	same := "(connection_id, external_id) WHERE external_id <> ''"
	if c.ExternalID == "" {
		same = "(organization_id, connection_id, email) WHERE external_id = ''"
	}
	query := insertInto[candidateRow]("candidates") + " ON CONFLICT " + same + ` DO UPDATE SET
		first_name = excluded.first_name, last_name = excluded.last_name, preferred_name = excluded.preferred_name,
		email = excluded.email, phone = excluded.phone, profile_url = excluded.profile_url, updated_at = excluded.updated_at
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
