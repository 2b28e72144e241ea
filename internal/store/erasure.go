package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core"
)

type erasureRow struct {
	ID             core.ID `db:"id"`
	OrganizationID core.ID `db:"organization_id"`
	ConnectionID   core.ID `db:"connection_id"`
	CandidateID    core.ID `db:"candidate_id"`
	PersonHash     string  `db:"person_hash"`
	WebhookID      core.ID `db:"webhook_id"`
	Cause          string  `db:"cause"`
	ActorName      string  `db:"actor_name"`
	Rows           int     `db:"emptied"`
	At             Time    `db:"at"`
}

func (r erasureRow) erasure() core.Erasure {
	return core.Erasure{
		ID: r.ID, OrganizationID: r.OrganizationID, ConnectionID: r.ConnectionID, CandidateID: r.CandidateID,
		PersonHash: r.PersonHash, WebhookID: r.WebhookID, Cause: r.Cause, ActorName: r.ActorName, Rows: r.Rows, At: r.At.Time,
	}
}

// Forgotten implements core.ErasureReader.
func (r reader) Forgotten(ctx context.Context, connection core.ID, personHash string) (bool, error) {
	var n int
	const query = "SELECT count(*) FROM erasures WHERE connection_id = $1 AND person_hash = $2 AND person_hash <> ''"
	err := r.q.get(ctx, &n, query, connection, personHash)
	return n > 0, err
}

// Erasures implements core.ErasureReader.
func (r reader) Erasures(ctx context.Context, organization core.ID, p core.Page) (*core.Paged[core.Erasure], error) {
	l := listing{table: "erasures", where: owned(organization), newestFirst: true}
	rows, err := readPage[erasureRow](ctx, r.q, l, p)
	return convertPage(rows, err, erasureRow.erasure)
}

// CandidatesOfPerson implements core.ErasureReader. Nobody has the empty id.
func (r reader) CandidatesOfPerson(ctx context.Context, organization, connection core.ID, person string, applications []string) ([]core.ID, error) {
	if person == "" {
		return nil, nil
	}
	named := []any{organization, connection, person}
	query := `SELECT id FROM candidates WHERE organization_id = $1 AND connection_id = $2 AND external_id = $3 AND external_id <> ''
		UNION ALL SELECT candidate_id FROM applications WHERE organization_id = $1 AND connection_id = $2 AND candidate_external_id = $3
		UNION ALL SELECT candidate_id FROM pushes WHERE organization_id = $1 AND connection_id = $2 AND external_candidate_id = $3 AND external_candidate_id <> ''`
	if len(applications) > 0 {
		o := where{arguments: named}
		in(&o, "organization_id = $1 AND connection_id = $2 AND external_id %s", applications)
		query, named = query+" UNION ALL SELECT candidate_id FROM applications"+o.String(), o.arguments
	}
	ids := []core.ID{}
	err := r.q.list(ctx, &ids, query, named...)
	slices.Sort(ids)
	return slices.Compact(ids), err
}

// PeopleOfCandidate implements core.ErasureReader.
func (r reader) PeopleOfCandidate(ctx context.Context, organization, candidate core.ID) ([]core.PersonOfATS, error) {
	people := []struct {
		Connection core.ID `db:"connection_id"`
		Person     string  `db:"person"`
	}{}
	const query = `SELECT connection_id, external_id AS person FROM candidates WHERE organization_id = $1 AND id = $2 AND connection_id <> '' AND external_id <> ''
		UNION SELECT connection_id, candidate_external_id FROM applications WHERE organization_id = $1 AND candidate_id = $2 AND candidate_external_id <> ''
		UNION SELECT connection_id, external_candidate_id FROM pushes WHERE organization_id = $1 AND candidate_id = $2 AND external_candidate_id <> ''
		ORDER BY 1, 2`
	err := r.q.list(ctx, &people, query, organization, candidate)
	found := make([]core.PersonOfATS, len(people))
	for i, p := range people {
		found[i] = core.PersonOfATS{ConnectionID: p.Connection, Person: p.Person}
	}
	return found, err
}

// InsertErasure implements core.ErasureWriter.
func (t *tx) InsertErasure(ctx context.Context, e *core.Erasure) error {
	return insert(ctx, t.q, "erasures", erasureRow{
		ID: e.ID, OrganizationID: e.OrganizationID, ConnectionID: e.ConnectionID, CandidateID: e.CandidateID,
		PersonHash: e.PersonHash, WebhookID: e.WebhookID, Cause: cleaned(e.Cause), ActorName: e.ActorName, Rows: e.Rows, At: Time{e.At},
	})
}

// ForgetPerson implements core.ErasureWriter.
func (t *tx) ForgetPerson(ctx context.Context, organization, connection core.ID, person string) (int, error) {
	return t.execAll(ctx, []statement{
		{
			`UPDATE webhooks SET sealed_request = $4, person = '' WHERE organization_id = $1 AND connection_id = $2 AND person = $3 AND person <> ''`,
			[]any{organization, connection, person, []byte{}},
		},
		{
			"DELETE FROM ats_people WHERE organization_id = $1 AND connection_id = $2 AND external_id = $3 AND external_id <> ''",
			[]any{organization, connection, person},
		},
	})
}

// ofCandidate narrows to the assessments of $2.
const ofCandidate = "organization_id = $1 AND assessment_id IN (SELECT a.id FROM assessments AS a WHERE a.organization_id = $1 AND a.candidate_id = $2)"

// aboutCandidate narrows a table to what is about the assessments or the
// applications of $2.
func aboutCandidate(table string) string {
	return fmt.Sprintf(`%[1]s.organization_id = $1 AND (
		%[1]s.assessment_id IN (SELECT a.id FROM assessments AS a WHERE a.organization_id = $1 AND a.candidate_id = $2)
		OR EXISTS (SELECT 1 FROM applications AS p WHERE p.organization_id = $1 AND p.candidate_id = $2
			AND p.connection_id = %[1]s.connection_id AND p.external_id = %[1]s.application_id AND p.external_id <> ''))`, table)
}

// emptying are the statements that erase a candidate, $2, of an organization,
// $1. They are in the order in which they need each other's rows. Whoever adds
// a table that holds anything of a candidate adds it here; the test that
// searches the whole database for one fails otherwise.
func emptying() []string {
	return []string{
		"UPDATE results SET report = '{}', traits = '[]', integrity_flags = '[]', digest = '' WHERE " + ofCandidate,
		`UPDATE routing_decisions SET note = '', reason = '', application_id = '', inputs = '{"score":' || COALESCE((SELECT r.score FROM results AS r
			WHERE r.assessment_id = routing_decisions.assessment_id AND r.revision = routing_decisions.revision), 0) || '}' WHERE ` + ofCandidate,
		"UPDATE routing_decision_steps SET note = '', reason = '' WHERE " + ofCandidate,
		"UPDATE sync_log SET exchanges = '[]', message = '', advice = '', steps = '[]' WHERE " + ofCandidate,
		`UPDATE push_steps SET reference = '', message = ''
			WHERE push_id IN (SELECT p.id FROM pushes AS p WHERE p.organization_id = $1 AND p.candidate_id = $2)`,
		`UPDATE pushes SET external_candidate_id = '', external_application_id = '', profile_url = '', message = '', advice = '',
			question = '{}', answer = '{}' WHERE organization_id = $1 AND candidate_id = $2`,
		`UPDATE events SET data = '{}' WHERE organization_id = $1
			AND (type IN ('delivery.failed', 'ats.reported_error', 'assessment.invitation_failed', 'assessment.withdrawal_failed')
				OR type = 'assessment.cancelled' AND actor_role <> 'ATS')
			AND subject_id IN (SELECT a.id FROM assessments AS a WHERE a.organization_id = $1 AND a.candidate_id = $2)`,
		`UPDATE issues SET application_id = '', cause = '', subject = CASE WHEN subject = application_id THEN 'erased:' || id ELSE subject END
			WHERE ` + aboutCandidate("issues"),
		"DELETE FROM stage_entries WHERE assessment_id = '' AND " + aboutCandidate("stage_entries"),
		"UPDATE stage_entries SET application_id = 'erased:' || assessment_id WHERE " + ofCandidate,
		`UPDATE applications SET external_id = 'erased:' || applications.assessment_id || ':' || n.place, candidate_external_id = '', profile_url = ''
			FROM (SELECT connection_id, external_id, assessment_id, row_number() OVER (PARTITION BY assessment_id ORDER BY connection_id, external_id) AS place
				FROM applications WHERE organization_id = $1 AND candidate_id = $2) AS n
			WHERE applications.connection_id = n.connection_id AND applications.external_id = n.external_id AND applications.assessment_id = n.assessment_id`,
		`UPDATE assessments SET ats_order = '{}', delivery_note = '',
			order_key = CASE WHEN connection_id = '' THEN '' ELSE 'erased:' || id END WHERE organization_id = $1 AND candidate_id = $2`,
	}
}

// LockApplicationsOf implements core.ErasureWriter.
func (t *tx) LockApplicationsOf(ctx context.Context, organization, candidate core.ID) error {
	ids := []string{}
	query := "SELECT external_id FROM applications WHERE organization_id = $1 AND candidate_id = $2 ORDER BY assessment_id" + t.dialect.lock()
	return t.q.list(ctx, &ids, query, organization, candidate)
}

// EraseCandidate implements core.ErasureWriter.
func (t *tx) EraseCandidate(ctx context.Context, organization, candidate core.ID, now time.Time) (int, error) {
	var email string
	const living = "SELECT email FROM candidates WHERE organization_id = $1 AND id = $2 AND erased_at IS NULL"
	err := t.q.get(ctx, &email, living+t.dialect.lock(), organization, candidate)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	const person = `UPDATE candidates SET first_name = '', last_name = '', preferred_name = '', email = '', phone = '', profile_url = '',
		external_id = 'erased:' || id, sort_name = '', search_text = '', updated_at = $3, erased_at = $3 WHERE organization_id = $1 AND id = $2`
	const hooks = `UPDATE webhooks SET sealed_request = $3, person = '' WHERE organization_id = $1 AND person <> '' AND EXISTS (
		SELECT 1 FROM applications AS p WHERE p.organization_id = $1 AND p.candidate_id = $2
		AND p.connection_id = webhooks.connection_id AND p.candidate_external_id = webhooks.person)`
	// A person may have had other addresses, before a merge for instance.
	const addresses = `DELETE FROM ats_people WHERE organization_id = $1 AND (key = $3 OR external_id <> '' AND (
		EXISTS (SELECT 1 FROM applications AS p WHERE p.organization_id = $1 AND p.candidate_id = $2
			AND p.connection_id = ats_people.connection_id AND p.candidate_external_id = ats_people.external_id)
		OR EXISTS (SELECT 1 FROM pushes AS p WHERE p.organization_id = $1 AND p.candidate_id = $2
			AND p.connection_id = ats_people.connection_id AND p.external_candidate_id = ats_people.external_id)))`
	n, err := t.execAll(ctx, []statement{
		{person, []any{organization, candidate, Time{now}}},
		{hooks, []any{organization, candidate, []byte{}}},
		{addresses, []any{organization, candidate, strings.ToLower(email)}},
	})
	if err != nil {
		return 0, err
	}
	var rest []statement
	for _, query := range emptying() {
		rest = append(rest, statement{query, []any{organization, candidate}})
	}
	more, err := t.execAll(ctx, rest)
	if err == nil && t.tasks != nil {
		err = mapped(t.tasks.ForgetErrors(ctx, t.sqlTx, organization, candidate))
	}
	return n + more, err
}

// statement is a change with its arguments.
type statement struct {
	query     string
	arguments []any
}

// execAll makes changes in their order and returns how many rows they changed.
func (t *tx) execAll(ctx context.Context, all []statement) (int, error) {
	sum := 0
	for _, s := range all {
		n, err := t.q.exec(ctx, s.query, s.arguments...)
		if err != nil {
			return 0, err
		}
		sum += int(n)
	}
	return sum, nil
}
