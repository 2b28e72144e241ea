package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

func testCandidate(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	same(t, "candidate", f.candidate, found[*core.Candidate](t)(db.Candidate(t.Context(), f.org, f.candidate.ID)))
	got := found[[]core.Candidate](t)(db.CandidatesByID(t.Context(), f.org, core.Sight{}, []core.ID{f.candidate.ID, "cnd_none"}))
	same(t, "by id", []core.Candidate{*f.candidate}, got)
	if none := found[[]core.Candidate](t)(db.CandidatesByID(t.Context(), f.org, core.Sight{}, nil)); len(none) != 0 {
		t.Errorf("of no ids: %v", none)
	}
}

func testCandidateSavedTwice(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	again := filled[core.Candidate]()
	again.ID, again.OrganizationID = core.NewID(core.PrefixCandidate), f.org
	again.ConnectionID, again.ExternalID = f.connection.ID, f.candidate.ExternalID
	again.ErasedAt = time.Time{}
	again.Email, again.CreatedAt, again.UpdatedAt = "new@example.com", moment(900), moment(900)
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.SaveCandidate(ctx, again) })
	same(t, "id", f.candidate.ID, again.ID)
	same(t, "created", f.candidate.CreatedAt, again.CreatedAt)
	same(t, "updated", again, found[*core.Candidate](t)(db.Candidate(t.Context(), f.org, f.candidate.ID)))
}

func testCandidateByEmail(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	save := func(connection core.ID, email string) core.ID {
		c := &core.Candidate{
			ID: core.NewID(core.PrefixCandidate), OrganizationID: f.org, ConnectionID: connection, Email: email,
			FirstName: "Ada", CreatedAt: moment(1), UpdatedAt: moment(1),
		}
		change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.SaveCandidate(ctx, c) })
		return c.ID
	}
	first := save("", "ada@example.com")
	same(t, "the same person", first, save("", "ada@example.com"))
	others := map[core.ID]bool{first: true, save("", "eve@example.com"): true, save(f.connection.ID, "ada@example.com"): true}
	same(t, "different people", 3, len(others))
}

func testCandidateOfForeignConnection(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	c := filled[core.Candidate]()
	c.ID, c.OrganizationID = core.NewID(core.PrefixCandidate), other.org
	c.ConnectionID, c.ExternalID = f.connection.ID, f.candidate.ExternalID
	err := db.Atomically(t.Context(), func(tx core.Tx) error { return tx.SaveCandidate(t.Context(), c) })
	expectCode(t, "another organization's person", err, fault.NotFound)
	same(t, "unchanged", f.candidate, found[*core.Candidate](t)(db.Candidate(t.Context(), f.org, f.candidate.ID)))
}

func testCandidateUpdated(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	c := *f.newCandidate(t)
	c.FirstName, c.LastName, c.PreferredName, c.Phone, c.UpdatedAt = "Miki", "Example", "", "", moment(900)
	update := func(c core.Candidate) error {
		return db.Atomically(t.Context(), func(tx core.Tx) error { return tx.UpdateCandidate(t.Context(), &c) })
	}
	if err := update(c); err != nil {
		t.Fatal(err)
	}
	same(t, "updated", &c, found[*core.Candidate](t)(db.Candidate(t.Context(), f.org, c.ID)))
	list := found[*core.Paged[core.Candidate]](t)
	same(t, "found by the new name", 1, len(list(db.Candidates(t.Context(), f.org, core.CandidateFilter{Search: "miki ex"}, core.Page{First: 9})).Items))
	stolen := c
	stolen.OrganizationID = other.org
	expectCode(t, "another organization's", update(stolen), fault.NotFound)
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		locked, err := tx.LockCandidate(ctx, f.org, c.ID)
		same(t, "locked", &c, locked)
		_, none := tx.LockCandidate(ctx, other.org, c.ID)
		expectCode(t, "another organization's, locked", none, fault.NotFound)
		return err
	})
}
