package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

// everything writes one of each noun and returns what reads them back.
func (f *fixture) everything(ctx context.Context, tx core.Tx) (func(r core.Reader) map[string]error, error) {
	o := &core.Organization{ID: core.NewID(core.PrefixOrganization), Name: string(core.NewID("name")), CreatedAt: moment(1)}
	a, e, r := f.assessment(), f.event("asm_1"), filled[core.Result]()
	r.ID, r.OrganizationID, r.AssessmentID, r.TestID = core.NewID(core.PrefixResult), f.org, a.ID, a.TestID
	j, s := f.job(), filled[core.Session]()
	s.ID, s.OrganizationID, s.Hash = core.NewID(core.PrefixSession), f.org, core.NewSecret("trs_").Hash()
	_, inserted := tx.InsertAssessment(ctx, a)
	err := errors.Join(tx.InsertJob(ctx, j), tx.InsertSession(ctx, s), tx.InsertOrganization(ctx, o), inserted, tx.AppendEvent(ctx, e), tx.InsertResult(ctx, r))
	return func(r core.Reader) map[string]error {
		errs := map[string]error{}
		_, errs["organization"] = r.Organization(ctx, o.ID)
		_, errs["job"] = r.Job(ctx, f.org, j.ID)
		_, errs["session"] = r.SessionByHash(ctx, s.Hash)
		_, errs["assessment"] = r.Assessment(ctx, f.org, a.ID)
		_, errs["result"] = r.LatestResult(ctx, f.org, a.ID)
		if events, err := r.EventsOf(ctx, f.org, e.SubjectID); err == nil && len(events) == 0 {
			errs["event"] = fault.New(fault.NotFound, "none")
		} else {
			errs["event"] = err
		}
		return errs
	}, err
}

func testRollback(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	refused := errors.New("no")
	var read func(core.Reader) map[string]error
	err := db.Atomically(t.Context(), func(tx core.Tx) error {
		var err error
		read, err = f.everything(t.Context(), tx)
		return errors.Join(err, refused)
	})
	if !errors.Is(err, refused) {
		t.Fatal(err)
	}
	for name, err := range read(db) {
		expectCode(t, name, err, fault.NotFound)
	}
}

func testPanic(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	var read func(core.Reader) map[string]error
	func() {
		defer func() { same(t, "panic", any("oh"), recover()) }()
		_ = db.Atomically(t.Context(), func(tx core.Tx) error {
			read, _ = f.everything(t.Context(), tx)
			panic("oh")
		})
	}()
	for name, err := range read(db) {
		expectCode(t, name, err, fault.NotFound)
	}
	f.newTest(t) // the connection is free again
}

func testOwnWrites(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		read, err := f.everything(ctx, tx)
		for name, err := range read(tx) {
			if err != nil {
				t.Errorf("%s within the transaction: %v", name, err)
			}
		}
		for name, err := range read(db) {
			expectCode(t, name+" from outside", err, fault.NotFound)
		}
		return err
	})
}

func testCancelled(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	e := f.event("asm_9")
	err := db.Atomically(ctx, func(tx core.Tx) error {
		defer cancel()
		return tx.AppendEvent(ctx, e)
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	same(t, "events", 0, len(found[[]core.Event](t)(db.EventsOf(t.Context(), f.org, "asm_9"))))
}

func testNoTaskEngine(t *testing.T, db *store.DB) {
	err := db.Atomically(t.Context(), func(tx core.Tx) error { return tx.Enqueue(t.Context(), core.Task{}) })
	expectCode(t, "enqueue", err, fault.Internal)
}

func testBadTexts(t *testing.T, db *store.DB) {
	for _, name := range []string{"nul \x00", "bytes \xff"} {
		o := &core.Organization{ID: core.NewID(core.PrefixOrganization), Name: name, CreatedAt: moment(1)}
		err := db.Atomically(t.Context(), func(tx core.Tx) error { return tx.InsertOrganization(t.Context(), o) })
		expectCode(t, "insert", err, fault.Invalid)
		_, err = db.OrganizationByName(t.Context(), name)
		expectCode(t, "read", err, fault.Invalid)
	}
}
