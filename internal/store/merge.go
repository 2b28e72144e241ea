package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/trellis-ats/trellis/core"
)

// candidateIsNamed are the tables whose rows name a candidate.
func candidateIsNamed() []string { return []string{"assessments", "applications", "pushes"} }

// MergePerson implements core.MergeWriter.
func (t *tx) MergePerson(ctx context.Context, organization, connection core.ID, from, into string) (bool, error) {
	rows := []string{}
	lock := `SELECT external_id FROM applications WHERE organization_id = $1 AND connection_id = $2 AND candidate_external_id IN ($3, $4)
		ORDER BY external_id, assessment_id` + t.dialect.lock() // first, as whoever takes words in about them does
	if err := t.q.list(ctx, &rows, lock, organization, connection, from, into); err != nil {
		return false, err
	}
	moved, err := t.mergeCandidate(ctx, organization, connection, from, into)
	if err != nil {
		return false, err
	}
	var named []statement
	for _, query := range []string{
		"UPDATE applications SET candidate_external_id = $4 WHERE organization_id = $1 AND connection_id = $2 AND candidate_external_id = $3",
		"UPDATE pushes SET external_candidate_id = $4 WHERE organization_id = $1 AND connection_id = $2 AND external_candidate_id = $3",
		"UPDATE ats_people SET external_id = $4 WHERE organization_id = $1 AND connection_id = $2 AND external_id = $3",
		"UPDATE webhooks SET person = $4 WHERE organization_id = $1 AND connection_id = $2 AND person = $3",
	} {
		named = append(named, statement{query, []any{organization, connection, from, into}})
	}
	renamed, err := t.execAll(ctx, named)
	return moved+renamed > 0, err
}

// MergedInto implements core.MergeReader.
func (r reader) MergedInto(ctx context.Context, connection core.ID, personHash string) (into string, err error) {
	const query = "SELECT into_person FROM person_merges WHERE connection_id = $1 AND person_hash = $2"
	err = r.q.get(ctx, &into, query, connection, personHash)
	return into, notFound(err, "merge")
}

// KeepMerge implements core.MergeWriter.
func (t *tx) KeepMerge(ctx context.Context, m *core.PersonMerge) error {
	_, err := t.execAll(ctx, []statement{
		{"UPDATE person_merges SET into_person = $3 WHERE connection_id = $1 AND into_person = $2", []any{m.ConnectionID, m.From, m.Into}},
		{
			`INSERT INTO person_merges (organization_id, connection_id, person_hash, into_person) VALUES ($1, $2, $3, $4)
			ON CONFLICT (connection_id, person_hash) DO UPDATE SET into_person = excluded.into_person`,
			[]any{m.OrganizationID, m.ConnectionID, m.PersonHash, m.Into},
		},
	})
	return err
}

// ForgetMerges implements core.MergeWriter.
func (t *tx) ForgetMerges(ctx context.Context, organization, connection core.ID, person string) error {
	const query = "UPDATE person_merges SET into_person = '' WHERE organization_id = $1 AND connection_id = $2 AND into_person = $3"
	_, err := t.q.exec(ctx, query, organization, connection, person)
	return err
}

// mergeCandidate gives the candidate the other's id, or what is theirs to the
// candidate who has that id. It returns how many candidates it changed.
func (t *tx) mergeCandidate(ctx context.Context, organization, connection core.ID, from, into string) (int, error) {
	loser, err := t.candidateOf(ctx, organization, connection, from)
	if err != nil || loser == "" {
		return 0, err
	}
	winner, err := t.candidateOf(ctx, organization, connection, into)
	if err != nil {
		return 0, err
	}
	if winner == "" {
		_, err := t.q.exec(ctx, "UPDATE candidates SET external_id = $3 WHERE organization_id = $1 AND id = $2", organization, loser, into)
		return 1, err
	}
	for _, table := range candidateIsNamed() {
		query := "UPDATE " + table + " SET candidate_id = $3 WHERE organization_id = $1 AND candidate_id = $2"
		if _, err := t.q.exec(ctx, query, organization, loser, winner); err != nil {
			return 0, err
		}
	}
	_, err = t.q.exec(ctx, "DELETE FROM candidates WHERE organization_id = $1 AND id = $2", organization, loser)
	return 1, err
}

// candidateOf returns the candidate with a connection's id of a person, or "".
func (t *tx) candidateOf(ctx context.Context, organization, connection core.ID, person string) (core.ID, error) {
	if person == "" {
		return "", nil
	}
	var id core.ID
	query := "SELECT id FROM candidates WHERE organization_id = $1 AND connection_id = $2 AND external_id = $3 AND external_id <> ''" + t.dialect.lock()
	err := t.q.get(ctx, &id, query, organization, connection, person)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, err
}
