package store

import (
	"context"
	"fmt"

	"github.com/trellis-ats/trellis/core"
)

type issueRow struct {
	ID             core.ID        `db:"id"`
	OrganizationID core.ID        `db:"organization_id"`
	ConnectionID   core.ID        `db:"connection_id"`
	Kind           core.IssueKind `db:"kind"`
	Subject        string         `db:"subject"`
	AssessmentID   core.ID        `db:"assessment_id"`
	PushID         core.ID        `db:"push_id"`
	ApplicationID  string         `db:"application_id"`
	Cause          string         `db:"cause"`
	FoundAt        Time           `db:"found_at"`
	SeenAt         Time           `db:"seen_at"`
	RepairedAt     Time           `db:"repaired_at"`
	ClosedAt       Time           `db:"closed_at"`
}

// newIssueRow cleans what the ATS can influence.
func newIssueRow(i *core.Issue) issueRow {
	return issueRow{
		ID: i.ID, OrganizationID: i.OrganizationID, ConnectionID: i.ConnectionID, Kind: i.Kind, Subject: cleaned(i.Subject),
		AssessmentID: i.AssessmentID, PushID: i.PushID, ApplicationID: cleaned(i.ApplicationID), Cause: cleaned(i.Cause),
		FoundAt: Time{i.FoundAt}, SeenAt: Time{i.SeenAt}, RepairedAt: Time{i.RepairedAt}, ClosedAt: Time{i.ClosedAt},
	}
}

func (r issueRow) issue() core.Issue {
	return core.Issue{
		ID: r.ID, OrganizationID: r.OrganizationID, ConnectionID: r.ConnectionID, Kind: r.Kind, Subject: r.Subject,
		AssessmentID: r.AssessmentID, PushID: r.PushID, ApplicationID: r.ApplicationID, Cause: r.Cause,
		FoundAt: r.FoundAt.Time, SeenAt: r.SeenAt.Time, RepairedAt: r.RepairedAt.Time, ClosedAt: r.ClosedAt.Time,
	}
}

// Issue implements core.IssueReader.
func (r reader) Issue(ctx context.Context, organization, id core.ID) (*core.Issue, error) {
	var row issueRow
	query := selectFrom[issueRow]("issues") + " WHERE organization_id = $1 AND id = $2"
	if err := r.q.get(ctx, &row, query, organization, id); err != nil {
		return nil, notFound(err, "issue")
	}
	i := row.issue()
	return &i, nil
}

// IssuesByID implements core.IssueReader.
func (r reader) IssuesByID(ctx context.Context, organization core.ID, ids []core.ID) ([]core.Issue, error) {
	rows, err := readByID[issueRow](ctx, r.q, "issues", owned(organization), ids)
	return convertAll(rows, issueRow.issue), err
}

// Issues implements core.IssueReader.
func (r reader) Issues(ctx context.Context, organization core.ID, f core.IssueFilter, p core.Page) (*core.Paged[core.Issue], error) {
	l := listing{table: "issues", where: owned(organization), newestFirst: true}
	equal(&l.where, "connection_id", f.ConnectionID)
	equal(&l.where, "assessment_id", f.AssessmentID)
	equal(&l.where, "subject", f.Subject)
	in(&l.where, "kind %s", f.Kinds)
	if f.Open != nil {
		state := "closed_at IS NOT NULL"
		if *f.Open {
			state = "closed_at IS NULL"
		}
		l.where.conditions = append(l.where.conditions, state)
	}
	rows, err := readPage[issueRow](ctx, r.q, l, p)
	return convertPage(rows, err, issueRow.issue)
}

// OpenIssues implements core.IssueReader.
func (r reader) OpenIssues(ctx context.Context, organization core.ID, connections []core.ID) (map[core.ID]int, error) {
	if len(connections) == 0 {
		return map[core.ID]int{}, nil
	}
	w := owned(organization)
	in(&w, "connection_id %s", connections)
	rows := []struct {
		ConnectionID core.ID `db:"connection_id"`
		Count        int     `db:"n"`
	}{}
	query := "SELECT connection_id, count(*) AS n FROM issues" + w.String() + " AND closed_at IS NULL GROUP BY connection_id"
	if err := r.q.list(ctx, &rows, query, w.arguments...); err != nil {
		return nil, err
	}
	counts := make(map[core.ID]int, len(rows))
	for _, row := range rows {
		counts[row.ConnectionID] = row.Count
	}
	return counts, nil
}

// KeepIssue implements core.IssueWriter.
func (t *tx) KeepIssue(ctx context.Context, i *core.Issue) (bool, error) {
	query := insertInto[issueRow]("issues") + ` ON CONFLICT (organization_id, connection_id, kind, subject) WHERE closed_at IS NULL DO UPDATE SET
		cause = excluded.cause, seen_at = CASE WHEN excluded.seen_at > issues.seen_at THEN excluded.seen_at ELSE issues.seen_at END
		RETURNING id, found_at, repaired_at`
	var kept struct {
		ID         core.ID `db:"id"`
		FoundAt    Time    `db:"found_at"`
		RepairedAt Time    `db:"repaired_at"`
	}
	if err := t.q.get(ctx, &kept, query, valuesOf(newIssueRow(i))...); err != nil {
		return false, err
	}
	fresh := kept.ID == i.ID
	i.ID, i.FoundAt, i.RepairedAt = kept.ID, kept.FoundAt.Time, kept.RepairedAt.Time
	return fresh, nil
}

// NoteRepair implements core.IssueWriter.
func (t *tx) NoteRepair(ctx context.Context, i *core.Issue) error {
	return update(ctx, t.q, "issues", "issue", newIssueRow(i), "repaired_at")
}

// CloseIssues implements core.IssueWriter.
func (t *tx) CloseIssues(ctx context.Context, c core.IssueClosing, limit int) ([]core.Issue, error) {
	w := owned(c.OrganizationID)
	if c.CandidateID != "" {
		w.arguments = append(w.arguments, c.CandidateID)
		w.conditions = append(w.conditions, aboutCandidate("issues"))
	} else {
		w.add("connection_id = %s", c.ConnectionID)
		w.add("kind = %s", c.Kind)
		equal(&w, "subject", cleaned(c.Subject))
	}
	if !c.SeenBefore.IsZero() {
		w.add("seen_at < %s", Time{c.SeenBefore})
	}
	w.conditions = append(w.conditions, "closed_at IS NULL")
	rows := []issueRow{}
	query := fmt.Sprintf("%s%s ORDER BY id LIMIT %d%s", selectFrom[issueRow]("issues"), &w, limit, t.dialect.lock())
	if err := t.q.list(ctx, &rows, query, w.arguments...); err != nil {
		return nil, err
	}
	closed := convertAll(rows, issueRow.issue)
	for n := range closed {
		closed[n].ClosedAt = c.At
		if err := update(ctx, t.q, "issues", "issue", newIssueRow(&closed[n]), "closed_at"); err != nil {
			return nil, err
		}
	}
	return closed, nil
}
