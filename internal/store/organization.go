package store

import (
	"context"

	"github.com/trellis-ats/trellis/core"
)

type organizationRow struct {
	ID        core.ID `db:"id"`
	Name      string  `db:"name"`
	CreatedAt Time    `db:"created_at"`
}

func (r organizationRow) organization() core.Organization {
	return core.Organization{ID: r.ID, Name: r.Name, CreatedAt: r.CreatedAt.Time}
}

// Organization implements core.OrganizationReader.
func (r reader) Organization(ctx context.Context, id core.ID) (*core.Organization, error) {
	return r.organizationWhere(ctx, "id = $1", id)
}

// OrganizationByName implements core.OrganizationReader.
func (r reader) OrganizationByName(ctx context.Context, name string) (*core.Organization, error) {
	return r.organizationWhere(ctx, "name = $1", name)
}

func (r reader) organizationWhere(ctx context.Context, condition string, argument any) (*core.Organization, error) {
	var row organizationRow
	err := r.q.get(ctx, &row, selectFrom[organizationRow]("organizations")+" WHERE "+condition, argument)
	if err != nil {
		return nil, notFound(err, "organization")
	}
	o := row.organization()
	return &o, nil
}

// InsertOrganization implements core.OrganizationWriter.
// Errors: fault.Conflict if the name is taken.
func (t *tx) InsertOrganization(ctx context.Context, o *core.Organization) error {
	return insert(ctx, t.q, "organizations", organizationRow{ID: o.ID, Name: o.Name, CreatedAt: Time{o.CreatedAt}})
}
