package store

import (
	"context"

	"github.com/trellis-ats/trellis/core"
)

type testRow struct {
	ID              core.ID            `db:"id"`
	OrganizationID  core.ID            `db:"organization_id"`
	Name            string             `db:"name"`
	Description     string             `db:"description"`
	Modality        core.Modality      `db:"modality"`
	DurationMinutes int                `db:"duration_minutes"`
	Traits          JSON[[]core.Trait] `db:"traits"`
	Archived        bool               `db:"archived"`
	CreatedAt       Time               `db:"created_at"`
}

func newTestRow(t *core.Test) testRow {
	return testRow{
		ID: t.ID, OrganizationID: t.OrganizationID, Name: t.Name, Description: t.Description, Modality: t.Modality,
		DurationMinutes: t.DurationMinutes, Traits: JSON[[]core.Trait]{t.Traits}, Archived: t.Archived, CreatedAt: Time{t.CreatedAt},
	}
}

func (r testRow) test() core.Test {
	return core.Test{
		ID: r.ID, OrganizationID: r.OrganizationID, Name: r.Name, Description: r.Description, Modality: r.Modality,
		DurationMinutes: r.DurationMinutes, Traits: r.Traits.V, Archived: r.Archived, CreatedAt: r.CreatedAt.Time,
	}
}

// Test implements core.TestReader.
func (r reader) Test(ctx context.Context, organization, id core.ID) (*core.Test, error) {
	var row testRow
	err := r.q.get(ctx, &row, selectFrom[testRow]("tests")+" WHERE organization_id = $1 AND id = $2", organization, id)
	if err != nil {
		return nil, notFound(err, "test")
	}
	t := row.test()
	return &t, nil
}

// Tests implements core.TestReader.
func (r reader) Tests(ctx context.Context, organization core.ID, f core.TestFilter, p core.Page) (*core.Paged[core.Test], error) {
	l := listing{table: "tests", where: owned(organization)}
	if !f.WithArchived {
		l.where.add("archived = %s", false)
	}
	rows, err := readPage[testRow](ctx, r.q, l, p)
	return convertPage(rows, err, testRow.test)
}

// TestsByID implements core.TestReader.
func (r reader) TestsByID(ctx context.Context, organization core.ID, ids []core.ID) ([]core.Test, error) {
	rows, err := readByID[testRow](ctx, r.q, "tests", owned(organization), ids)
	return convertAll(rows, testRow.test), err
}

// InsertTest implements core.TestWriter.
func (t *tx) InsertTest(ctx context.Context, test *core.Test) error {
	return insert(ctx, t.q, "tests", newTestRow(test))
}
