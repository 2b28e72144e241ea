package store

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
)

type referenceListRow struct {
	ConnectionID   core.ID                   `db:"connection_id"`
	OrganizationID core.ID                   `db:"organization_id"`
	Kind           ats.ReferenceKind         `db:"kind"`
	Parent         string                    `db:"parent"`
	Items          JSON[[]referenceItemJSON] `db:"items"`
	Truncated      bool                      `db:"truncated"`
	FetchedAt      Time                      `db:"fetched_at"`
	FetchingUntil  Time                      `db:"fetching_until"`
}

// referenceItemJSON fixes the stored names of ats.ReferenceItem.
type referenceItemJSON struct {
	ID      string            `json:"id"`
	Name    string            `json:"name"`
	Parent  string            `json:"parent,omitempty"`
	Order   int               `json:"order,omitempty"`
	Active  bool              `json:"active"`
	Details map[string]string `json:"details,omitempty"`
}

func newReferenceListRow(l *core.ReferenceList) referenceListRow {
	items := convertAll(l.Items, func(i ats.ReferenceItem) referenceItemJSON { return referenceItemJSON(i) })
	return referenceListRow{
		ConnectionID: l.ConnectionID, OrganizationID: l.OrganizationID, Kind: l.Kind, Parent: l.Parent,
		Items: JSON[[]referenceItemJSON]{items}, Truncated: l.Truncated, FetchedAt: Time{l.FetchedAt}, FetchingUntil: Time{l.FetchingUntil},
	}
}

func (r referenceListRow) referenceList() *core.ReferenceList {
	return &core.ReferenceList{
		OrganizationID: r.OrganizationID, ConnectionID: r.ConnectionID, Kind: r.Kind, Parent: r.Parent, Truncated: r.Truncated,
		Items:     convertAll(r.Items.V, func(i referenceItemJSON) ats.ReferenceItem { return ats.ReferenceItem(i) }),
		FetchedAt: r.FetchedAt.Time, FetchingUntil: r.FetchingUntil.Time,
	}
}

// ReferenceList implements core.ReferenceReader.
func (r reader) ReferenceList(ctx context.Context, organization, connection core.ID, kind ats.ReferenceKind, parent string) (*core.ReferenceList, error) {
	return r.referenceListOf(ctx, &core.ReferenceList{OrganizationID: organization, ConnectionID: connection, Kind: kind, Parent: parent}, "")
}

func (r reader) referenceListOf(ctx context.Context, l *core.ReferenceList, lock string) (*core.ReferenceList, error) {
	var row referenceListRow
	query := selectFrom[referenceListRow]("reference_lists") + " WHERE organization_id = $1 AND connection_id = $2 AND kind = $3 AND parent = $4" + lock
	if err := r.q.get(ctx, &row, query, l.OrganizationID, l.ConnectionID, l.Kind, l.Parent); err != nil {
		return nil, notFound(err, "list")
	}
	return row.referenceList(), nil
}

// LockReferenceList implements core.ReferenceWriter.
func (t *tx) LockReferenceList(ctx context.Context, fresh *core.ReferenceList) (*core.ReferenceList, error) {
	query := insertInto[referenceListRow]("reference_lists") + " ON CONFLICT (connection_id, kind, parent) DO NOTHING"
	if _, err := t.q.exec(ctx, query, valuesOf(newReferenceListRow(fresh))...); err != nil {
		return nil, err
	}
	return t.referenceListOf(ctx, fresh, t.dialect.lock())
}

// UpdateReferenceList implements core.ReferenceWriter.
func (t *tx) UpdateReferenceList(ctx context.Context, l *core.ReferenceList) error {
	row := newReferenceListRow(l)
	_, err := t.q.exec(ctx, `UPDATE reference_lists SET items = $5, truncated = $6, fetched_at = $7, fetching_until = $8
		WHERE organization_id = $1 AND connection_id = $2 AND kind = $3 AND parent = $4`,
		row.OrganizationID, row.ConnectionID, row.Kind, row.Parent, row.Items, row.Truncated, row.FetchedAt, row.FetchingUntil)
	return err
}
