package model_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/graph/model"
)

func written(m graphql.Marshaler) string {
	var b bytes.Buffer
	m.MarshalGQL(&b)
	return b.String()
}

func TestScalarsAreWritten(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 2*3600)
	for _, c := range []struct {
		got  graphql.Marshaler
		want string
	}{
		{model.MarshalDateTime(time.Date(2026, 3, 1, 11, 30, 0, 123456000, zone)), `"2026-03-01T09:30:00.123456Z"`},
		{model.MarshalDateTime(time.Time{}), `null`},
		{model.MarshalScore(8250), `82.5`},
		{model.MarshalScore(0), `0`},
		{model.MarshalScore(core.MaxScore), `100`},
		{model.MarshalURL(""), `null`},
		{model.MarshalURL("https://example.com/?a=\"b\""), `"https://example.com/?a=\"b\""`},
		{model.MarshalJSON(json.RawMessage(`{"a":[1]}`)), `{"a":[1]}`},
		{model.MarshalJSON(json.RawMessage(`{`)), `null`},
		{model.MarshalID(""), `null`},
	} {
		if got := written(c.got); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestScalarsAreRead(t *testing.T) {
	t.Parallel()
	at, err := model.UnmarshalDateTime("2026-03-01T11:30:00+02:00")
	if want := time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC); err != nil || !at.Equal(want) || at.Location() != time.UTC {
		t.Errorf("got %v, %v", at, err)
	}
	if s, err := model.UnmarshalScore(json.Number("82.5")); err != nil || s != 8250 {
		t.Errorf("got %v, %v", s, err)
	}
	id, idErr := model.UnmarshalID(nil)
	never, timeErr := model.UnmarshalDateTime(nil)
	address, urlErr := model.UnmarshalURL(nil)
	if id != "" || !never.IsZero() || address != "" || idErr != nil || timeErr != nil || urlErr != nil {
		t.Errorf("null is %q, %v, %q; %v, %v, %v", id, never, address, idErr, timeErr, urlErr)
	}
	for name, read := range map[string]func() error{
		"time without zone": func() error { _, err := model.UnmarshalDateTime("2026-03-01T11:30:00"); return err },
		"time a number":     func() error { _, err := model.UnmarshalDateTime(7); return err },
		"score above":       func() error { _, err := model.UnmarshalScore(100.01); return err },
		"score a text":      func() error { _, err := model.UnmarshalScore("many"); return err },
		"relative address":  func() error { _, err := model.UnmarshalURL("/people/7"); return err },
		"other scheme":      func() error { _, err := model.UnmarshalURL("javascript:alert(1)"); return err },
		"nul in id":         func() error { _, err := model.UnmarshalID("asm_\x00"); return err },
		"nul in text":       func() error { _, err := model.UnmarshalString("a\x00"); return err },
	} {
		if err := read(); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCursorsBelongToTheirList(t *testing.T) {
	t.Parallel()
	id := core.NewID(core.PrefixTest)
	page := model.NewTests(&core.Paged[core.Test]{Items: []core.Test{{ID: id}}})
	cursor := page.PageInfo.EndCursor
	if p, err := model.ListTests.Page(model.PageArgs{After: cursor}); err != nil || p.After != id || p.First != 50 {
		t.Errorf("got %+v, %v", p, err)
	}
	for _, list := range []model.List{model.ListAssessments, model.ListEvents, model.ListSyncLog} {
		_, err := list.Page(model.PageArgs{Before: cursor})
		if f := fault.From(err); f == nil || f.Code != fault.Invalid || f.Fields[0].Path != "before" {
			t.Errorf("%s takes a cursor of tests: %v", list, err)
		}
	}
	for _, forged := range []string{"", "!", string(id), "dHN0Og", "dHN0OnRzdF8x"} {
		if _, err := model.ListTests.Page(model.PageArgs{After: &forged}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q is taken: %v", forged, err)
		}
	}
}
