package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/store"
)

// fixture is an organization with one of everything that others refer to.
type fixture struct {
	db         *store.DB
	org        core.ID
	connection *core.Connection
	test       *core.Test
	candidate  *core.Candidate
}

func newFixture(t testing.TB, db *store.DB) *fixture {
	t.Helper()
	f := &fixture{db: db, org: core.NewID(core.PrefixOrganization)}
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		return tx.InsertOrganization(ctx, &core.Organization{ID: f.org, Name: "Org " + string(f.org), CreatedAt: moment(1)})
	})
	f.connection = f.newConnection(t, map[string]core.Secret{"api_key": "fixture-api-key"})
	f.test = f.newTest(t)
	f.candidate = f.newCandidate(t)
	return f
}

func (f *fixture) newConnection(t testing.TB, secrets map[string]core.Secret) *core.Connection {
	t.Helper()
	c := filled[core.Connection]()
	c.ID, c.OrganizationID = core.NewID(core.PrefixConnection), f.org
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.InsertConnection(ctx, c, secrets) })
	return c
}

func (f *fixture) newTest(t testing.TB) *core.Test {
	t.Helper()
	test := filled[core.Test]()
	test.ID, test.OrganizationID, test.Archived = core.NewID(core.PrefixTest), f.org, false
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.InsertTest(ctx, test) })
	return test
}

func (f *fixture) newCandidate(t testing.TB) *core.Candidate {
	t.Helper()
	c := filled[core.Candidate]()
	c.ID, c.OrganizationID, c.ConnectionID = core.NewID(core.PrefixCandidate), f.org, f.connection.ID
	c.ExternalID, c.ErasedAt = string(c.ID), time.Time{}
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.SaveCandidate(ctx, c) })
	return c
}

// assessment returns one that is not kept yet.
func (f *fixture) assessment() *core.Assessment {
	a := filled[core.Assessment]()
	a.ID, a.OrganizationID, a.TestID, a.CandidateID = core.NewID(core.PrefixAssessment), f.org, f.test.ID, f.candidate.ID
	a.ConnectionID, a.OrderKey = f.connection.ID, "order "+string(a.ID)
	return a
}

func (f *fixture) newAssessment(t testing.TB, edit func(a *core.Assessment)) *core.Assessment {
	t.Helper()
	a := f.assessment()
	if edit != nil {
		edit(a)
	}
	change(t, f.db, func(ctx context.Context, tx core.Tx) error {
		fresh, err := tx.InsertAssessment(ctx, a)
		if err == nil && !fresh {
			t.Error("the assessment is not fresh")
		}
		return err
	})
	return a
}

func (f *fixture) newResult(t testing.TB, a *core.Assessment, revision int, score core.Score) *core.Result {
	t.Helper()
	r := filled[core.Result]()
	r.ID, r.OrganizationID, r.AssessmentID, r.TestID = core.NewID(core.PrefixResult), f.org, a.ID, a.TestID
	r.Revision, r.Score = revision, score
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.InsertResult(ctx, r) })
	return r
}

func (f *fixture) newEvent(t testing.TB, subject core.ID) *core.Event {
	t.Helper()
	e := f.event(subject)
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.AppendEvent(ctx, e) })
	return e
}

func (f *fixture) event(subject core.ID) *core.Event {
	e := filled[core.Event]()
	e.ID, e.OrganizationID, e.SubjectID, e.Position = core.NewID(core.PrefixEvent), f.org, subject, 0
	return e
}

func (f *fixture) newSyncEntry(t testing.TB, edit func(e *core.SyncEntry)) *core.SyncEntry {
	t.Helper()
	e := filled[core.SyncEntry]()
	e.ID, e.OrganizationID = core.NewID(core.PrefixSyncEntry), f.org
	if edit != nil {
		edit(e)
	}
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.InsertSyncEntry(ctx, e) })
	return e
}

// moment returns a time with microseconds.
func moment(n int) time.Time {
	return time.Date(2026, 3, 1, 12, 30, 15, 123_456_000, time.UTC).Add(time.Duration(n) * time.Microsecond)
}

// filled returns a T whose every field, however deep, has a value of its own,
// so that one which is not kept shows up.
func filled[T any]() *T {
	v := new(T)
	n := 0
	fill(reflect.ValueOf(v).Elem(), &n)
	return v
}

func fill(v reflect.Value, n *int) {
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(moment(*n)))
		return
	case json.RawMessage:
		v.SetBytes(fmt.Appendf(nil, `{"b": %d,  "a":"<é>"}`, *n)) // odd spaces and order must survive
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("täxt %d '\"\\", *n))
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Float64:
		v.SetFloat(float64(*n) + 0.1)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	default:
		fillMany(v, n)
	}
}

func fillMany(v reflect.Value, n *int) {
	switch v.Kind() {
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, n)
		fill(value, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Pointer: // what is behind it is for the test to say
	default:
		panic("storetest: cannot fill " + v.Type().String())
	}
}
