package greenhouse_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/plugins/sdk/sdktest"
)

func candidateFields(c ats.Connection, fields ...ats.FieldValue) *ats.FieldsRequest {
	return &ats.FieldsRequest{Target: ats.Target{Connection: c, CandidateID: "41", ApplicationID: "71"}, Fields: fields}
}

// fieldStand has fields of each kind, and some values on the candidate.
func fieldStand(t testing.TB) *stand {
	t.Helper()
	define := func(key, kind, of string) string {
		return `{"id":` + map[string]string{"miki_score": "1", "miki_band": "2", "miki_report": "3", "miki_tags": "4", "miki_done": "5", "miki_ok": "6", "pay": "7", "app_score": "8"}[key] +
			`,"name":"` + key + `","name_key":"` + key + `","field_type":"` + of + `","value_type":"` + kind + `","active":true}`
	}
	return newStand(t, map[string][]said{
		"GET /v3/custom_fields": ok("[" + strings.Join([]string{
			define("miki_score", "number", "candidate"), define("miki_band", "single_select", "candidate"), define("miki_report", "url", "candidate"),
			define("miki_tags", "multi_select", "candidate"), define("miki_done", "date", "candidate"), define("miki_ok", "yes_no", "candidate"),
			define("pay", "currency", "candidate"), define("app_score", "number", "application"),
			`{"id":9,"name":"Old","name_key":"old","field_type":"candidate","value_type":"number","active":false}`,
		}, ",") + "]"),
		"GET /v3/custom_field_options": ok(`[{"id":21,"custom_field_id":2,"name":"Strong yes","active":true},{"id":22,"custom_field_id":2,"name":"Gone","active":false},
			{"id":41,"custom_field_id":4,"name":"A","active":true},{"id":42,"custom_field_id":4,"name":"B","active":true}]`),
		"GET /v3/candidates": ok(`[{"id":41,"custom_fields":{
			"miki_score":{"name":"Score","type":"number","value":"70.0"},
			"pay":{"name":"Pay","type":"currency","value":{"amount":"10000.0","unit":"EUR"}},
			"owner":{"name":"Owner","type":"user","value":{"user_id":9,"name":"R"}},
			"langs":{"name":"Languages","type":"multi_select","value":["Go","SQL"]},
			"seat":{"name":"Seat","type":"short_text","value":"3A"},
			"range":{"name":"Range","type":"currency_range","value":{"min_value":"1","max_value":"2","unit":"EUR"}},
			"empty":{"name":"Empty","type":"short_text","value":null}}}]`),
		"PATCH /v3/candidates/41":   ok(`{"id":41}`),
		"GET /v3/applications":      ok(`[{"id":71,"custom_fields":{}}]`),
		"PATCH /v3/applications/71": ok(`{"id":71}`),
	})
}

func TestSetFields(t *testing.T) {
	t.Parallel()
	score := ats.FieldValue{Owner: ats.OwnerCandidate, Key: "miki_score", Number: 81.25, IsNumber: true}
	rest := `{"name_key":"langs","value":["Go","SQL"]},{"name_key":"owner","value":9},`
	tail := `{"name_key":"range","value":{"currency_code":"EUR","max_amount":"2","min_amount":"1"}},{"name_key":"seat","value":"3A"}]}`
	pay := `{"name_key":"pay","value":{"amount":"10000.0","currency_code":"EUR"}},`
	tests := map[string]struct {
		settings []string
		fields   []ats.FieldValue
		body     string // of the PATCH
		requests int
	}{
		"all others are sent along": {nil, []ats.FieldValue{score}, `{"custom_fields":[{"name_key":"miki_score","value":81.25},` + rest + pay + tail, 3},
		"only what changes":         {[]string{"field_updates", "changed"}, []ats.FieldValue{score}, `{"custom_fields":[{"name_key":"miki_score","value":81.25}]}`, 3},
		"every type": {[]string{"field_updates", "changed"}, []ats.FieldValue{
			{Owner: ats.OwnerCandidate, Key: "miki_band", Text: "strong YES"},
			{Owner: ats.OwnerCandidate, Key: "miki_report", Text: "https://example.com/r/1?a=1&b=2"},
			{Owner: ats.OwnerCandidate, Key: "miki_tags", Text: "41, b"},
			{Owner: ats.OwnerCandidate, Key: "miki_done", Text: "2026-11-21T10:00:00Z"},
			{Owner: ats.OwnerCandidate, Key: "miki_ok", Text: "Yes"},
			{Owner: ats.OwnerCandidate, Key: "miki_score", Text: "7.5"},
		}, `{"custom_fields":[{"name_key":"miki_band","value":"Strong yes"},{"name_key":"miki_report","value":"https://example.com/r/1?a=1&b=2"},` +
			`{"name_key":"miki_tags","value":["A","B"]},{"name_key":"miki_done","value":"2026-11-21"},{"name_key":"miki_ok","value":true},{"name_key":"miki_score","value":7.5}]}`, 4},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			s := fieldStand(t)
			receipt, err := a.SetFields(t.Context(), candidateFields(s.connected(a, tt.settings...), tt.fields...))
			if err != nil || receipt.Existed {
				t.Fatal(receipt, err)
			}
			all := s.requests()
			last := all[len(all)-1]
			if diff := cmp.Diff(asked{"PATCH /v3/candidates/41", "", tt.body}, last); diff != "" || len(all) != tt.requests {
				t.Errorf("%d requests, %s", len(all), diff)
			}
		})
	}
}

func TestSetFieldsOfBothOwners(t *testing.T) {
	t.Parallel()
	a := patient(t)
	s := fieldStand(t)
	_, err := a.SetFields(t.Context(), candidateFields(s.connected(a),
		ats.FieldValue{Owner: ats.OwnerApplication, Key: "app_score", Number: 81, IsNumber: true},
		ats.FieldValue{Owner: ats.OwnerCandidate, Key: "miki_band", Text: "21"},
	))
	want := "GET /v3/custom_fields, GET /v3/custom_fields, GET /v3/custom_field_options, GET /v3/candidates, PATCH /v3/candidates/41, GET /v3/applications, PATCH /v3/applications/71"
	if got := s.routes(); got != want || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

// What is there already is not written again: a repeat costs no write.
func TestSetFieldsKnowsWhatIsThere(t *testing.T) {
	t.Parallel()
	a := patient(t)
	s := fieldStand(t)
	receipt, err := a.SetFields(t.Context(), candidateFields(s.connected(a), ats.FieldValue{Owner: ats.OwnerCandidate, Key: "miki_score", Number: 70, IsNumber: true}))
	if err != nil || !receipt.Existed || strings.Contains(s.routes(), "PATCH") {
		t.Errorf("%+v, %v", receipt, err)
	}
}

// A tag that is refused, and is not there either, stays refused.
func TestATagThatIsRefused(t *testing.T) {
	t.Parallel()
	a := patient(t)
	s := newStand(t, map[string][]said{
		"GET /v3/candidate_tags": ok(`[{"id":61,"name":"Miki: Passed"}]`), "GET /v3/applied_candidate_tags": ok(`[]`),
		"POST /v3/applied_candidate_tags": {{status: 422, body: `{"errors":[{"candidate_id":"does not exist"}]}`}},
	})
	_, err := a.AddTag(t.Context(), &ats.TagRequest{Target: tagNote(s.connected(a)).Target, Name: "Miki: Passed"})
	if !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v", err)
	}
}

// All that is wrong is named at once, and nothing is written.
func TestSetFieldsRefuses(t *testing.T) {
	t.Parallel()
	of := func(key, text string) ats.FieldValue {
		return ats.FieldValue{Owner: ats.OwnerCandidate, Key: key, Text: text}
	}
	a := patient(t)
	s := fieldStand(t)
	_, err := a.SetFields(t.Context(), candidateFields(s.connected(a),
		of("nowhere", "x"), of("old", "1"), of("miki_score", "many"), of("miki_band", "Gone"), of("miki_tags", "A,Z"),
		of("miki_done", "soon"), of("miki_ok", "perhaps"), of("pay", "1"), of("miki_report", "https://example.com"),
		ats.FieldValue{Owner: ats.OwnerApplication, Key: "miki_score_app", Text: "1"},
	))
	want := map[string]string{
		"fields.nowhere": "NOT_FOUND", "fields.old": "NOT_FOUND", "fields.miki_score": "TYPE", "fields.miki_band": "OPTION", "fields.miki_tags": "OPTION",
		"fields.miki_done": "TYPE", "fields.miki_ok": "TYPE", "fields.pay": "UNSUPPORTED", "fields.miki_score_app": "NOT_FOUND",
	}
	if diff := cmp.Diff(want, paths(err)); diff != "" || !fault.Is(err, fault.Invalid) {
		t.Error(diff, err)
	}
	if strings.Contains(s.routes(), "PATCH") {
		t.Error("something was written")
	}
}

func TestAppend(t *testing.T) {
	t.Parallel()
	attach := func(a sdktest.Client, c ats.Connection) (*ats.FeedbackReceipt, error) {
		return a.Attach(t.Context(), &ats.AttachRequest{Target: tagNote(c).Target, FileName: "miki-asm_1-r1.pdf", Content: []byte("%PDF-1.7")})
	}
	addNote := func(a sdktest.Client, c ats.Connection) (*ats.FeedbackReceipt, error) {
		return a.AddNote(t.Context(), tagNote(c))
	}
	addTag := func(a sdktest.Client, c ats.Connection) (*ats.FeedbackReceipt, error) {
		return a.AddTag(t.Context(), &ats.TagRequest{Target: tagNote(c).Target, Name: "Miki: Passed"})
	}
	score := func(a sdktest.Client, c ats.Connection) (*ats.FeedbackReceipt, error) {
		return a.Scorecard(t.Context(), &ats.ScorecardRequest{
			Target: tagNote(c).Target, Recommendation: ats.RecommendMixed, Score: 55.5, Summary: "Fair.", ReportURL: "https://example.com/r/1",
			Traits: []ats.TraitRecord{{Name: "Empathy", Score: 70}}, Marker: "[mark-1]",
		})
	}
	tests := map[string]struct {
		settings []string
		script   map[string][]said
		run      func(sdktest.Client, ats.Connection) (*ats.FeedbackReceipt, error)
		want     []asked
		existed  bool
		id       string
	}{
		"an attachment": {
			nil,
			map[string][]said{"GET /v3/attachments": ok(`[{"id":1,"filename":"other.pdf"}]`), "POST /v3/attachments": {{status: 201, body: `{"id":800}`}}},
			attach,
			[]asked{
				{"GET /v3/attachments", "application_ids=71&per_page=500", ""},
				{"POST /v3/attachments", "", `{"application_id":71,"filename":"miki-asm_1-r1.pdf","type":"other","visibility":"private","content":"JVBERi0xLjc="}`},
			},
			false, "800",
		},
		"an attachment by settings": {
			[]string{"attachment_type", "take_home_test", "attachment_visibility", "default"},
			map[string][]said{"GET /v3/attachments": ok(`[]`), "POST /v3/attachments": {{status: 201, body: `{"id":"801"}`}}},
			attach,
			[]asked{
				{"GET /v3/attachments", "application_ids=71&per_page=500", ""},
				{"POST /v3/attachments", "", `{"application_id":71,"filename":"miki-asm_1-r1.pdf","type":"take_home_test","content":"JVBERi0xLjc="}`},
			},
			false, "801",
		},
		"the same attachment": {
			nil,
			map[string][]said{"GET /v3/attachments": ok(`[{"id":800,"filename":"miki-asm_1-r1.pdf"}]`)},
			attach,
			[]asked{{"GET /v3/attachments", "application_ids=71&per_page=500", ""}},
			true, "800",
		},
		"a note": {
			[]string{"note_author", "4001", "note_visibility", "public"},
			map[string][]said{"GET /v3/notes": ok(`[{"id":1,"body":"Hello"}]`), "POST /v3/notes": {{status: 201, body: `{"id":700,"visibility":"public"}`}}},
			addNote,
			[]asked{
				{"GET /v3/notes", "candidate_ids=41&per_page=100&type=NOTE", ""},
				{"POST /v3/notes", "", `{"candidate_id":41,"application_id":71,"user_id":4001,"body":"Score 81 [mark-1]","visibility":"public","note_type":"NOTE"}`},
			},
			false, "700",
		},
		"the same note": {
			nil,
			map[string][]said{"GET /v3/notes": ok(`[{"id":2,"body":"x"},{"id":1,"body":"Score 81 [mark-1]"}]`)},
			addNote,
			[]asked{{"GET /v3/notes", "candidate_ids=41&per_page=100&type=NOTE", ""}},
			true, "1",
		},
		"a new tag": {
			nil,
			map[string][]said{
				"GET /v3/candidate_tags": ok(`[{"id":60,"name":"Other"}]`), "POST /v3/candidate_tags": {{status: 201, body: `{"id":61,"name":"Miki: Passed"}`}},
				"POST /v3/applied_candidate_tags": {{status: 201, body: `{"id":6101}`}},
			},
			addTag,
			[]asked{
				{"GET /v3/candidate_tags", "per_page=500", ""},
				{"POST /v3/candidate_tags", "", `{"name":"Miki: Passed"}`},
				{"POST /v3/applied_candidate_tags", "", `{"candidate_id":41,"candidate_tag_id":61}`},
			},
			false, "6101",
		},
		"a known tag": {
			nil,
			map[string][]said{
				"GET /v3/candidate_tags": ok(`[{"id":61,"name":"miki: PASSED "}]`), "GET /v3/applied_candidate_tags": ok(`[]`),
				"POST /v3/applied_candidate_tags": {{status: 201, body: `{"id":6101}`}},
			},
			addTag,
			[]asked{
				{"GET /v3/candidate_tags", "per_page=500", ""},
				{"GET /v3/applied_candidate_tags", "candidate_ids=41&candidate_tag_ids=61&per_page=500", ""},
				{"POST /v3/applied_candidate_tags", "", `{"candidate_id":41,"candidate_tag_id":61}`},
			},
			false, "6101",
		},
		"the same tag": {
			nil,
			map[string][]said{"GET /v3/candidate_tags": ok(`[{"id":61,"name":"Miki: Passed"}]`), "GET /v3/applied_candidate_tags": ok(`[{"id":6101,"candidate_id":41,"candidate_tag_id":61}]`)},
			addTag,
			[]asked{
				{"GET /v3/candidate_tags", "per_page=500", ""}, {"GET /v3/applied_candidate_tags", "candidate_ids=41&candidate_tag_ids=61&per_page=500", ""},
			},
			true, "6101",
		},
		"a tag that another makes at the same time": {
			nil,
			map[string][]said{
				"GET /v3/candidate_tags": {{body: "[]"}, {body: `[{"id":62,"name":"Miki: Passed"}]`}}, "POST /v3/candidate_tags": {{status: 422, body: `{"errors":[{"name":"is taken"}]}`}},
				"GET /v3/applied_candidate_tags": ok(`[]`), "POST /v3/applied_candidate_tags": {{status: 201, body: `{"id":6201}`}},
			},
			addTag,
			[]asked{
				{"GET /v3/candidate_tags", "per_page=500", ""},
				{"POST /v3/candidate_tags", "", `{"name":"Miki: Passed"}`},
				{"GET /v3/candidate_tags", "per_page=500", ""},
				{"GET /v3/applied_candidate_tags", "candidate_ids=41&candidate_tag_ids=62&per_page=500", ""},
				{"POST /v3/applied_candidate_tags", "", `{"candidate_id":41,"candidate_tag_id":62}`},
			},
			false, "6201",
		},
		"a tag that another applies at the same time": {
			nil,
			map[string][]said{
				"GET /v3/candidate_tags":          ok(`[{"id":61,"name":"Miki: Passed"}]`),
				"GET /v3/applied_candidate_tags":  {{body: "[]"}, {body: `[{"id":6101,"candidate_id":41,"candidate_tag_id":61}]`}},
				"POST /v3/applied_candidate_tags": {{status: 422, body: `{"errors":[{"candidate_tag_id":"has already been applied"}]}`}},
			},
			addTag,
			[]asked{
				{"GET /v3/candidate_tags", "per_page=500", ""},
				{"GET /v3/applied_candidate_tags", "candidate_ids=41&candidate_tag_ids=61&per_page=500", ""},
				{"POST /v3/applied_candidate_tags", "", `{"candidate_id":41,"candidate_tag_id":61}`},
				{"GET /v3/applied_candidate_tags", "candidate_ids=41&candidate_tag_ids=61&per_page=500", ""},
			},
			true, "6101",
		},
		"a scorecard": {
			[]string{"scorecards", "restricted"},
			map[string][]said{"GET /v3/scorecards": ok(`[{"id":1,"notes":null}]`), "POST /v3/scorecards": {{status: 201, body: `{"id":600}`}}},
			score,
			[]asked{
				{"GET /v3/scorecards", "application_ids=71&per_page=100", ""},
				{"POST /v3/scorecards", "", `{"application_id":71,"candidate_rating":"no_decision","notes":"Score: 55.5 / 100\nEmpathy: 70\n\nFair.\n\nhttps://example.com/r/1\n\n[mark-1]\n"}`},
			},
			false, "600",
		},
		"the same scorecard": {
			[]string{"scorecards", "restricted"},
			map[string][]said{"GET /v3/scorecards": ok(`[{"id":600,"notes":"x [mark-1]"}]`)},
			score,
			[]asked{{"GET /v3/scorecards", "application_ids=71&per_page=100", ""}},
			true, "600",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			s := newStand(t, tt.script)
			receipt, err := tt.run(a, s.connected(a, tt.settings...))
			if err != nil || receipt.Existed != tt.existed || receipt.Reference != tt.id || len(receipt.Exchanges) != len(tt.want) {
				t.Errorf("got %+v, %v", receipt, err)
			}
			if diff := cmp.Diff(tt.want, s.requests()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAppendRefuses(t *testing.T) {
	t.Parallel()
	target := func(c ats.Connection) ats.Target { return tagNote(c).Target }
	tests := map[string]struct {
		run   func(sdktest.Client, ats.Connection) error
		field string // "": another class
		code  fault.Code
	}{
		"a file without an application": {func(a sdktest.Client, c ats.Connection) error {
			_, err := a.Attach(t.Context(), &ats.AttachRequest{Target: ats.Target{Connection: c, CandidateID: "41"}, FileName: "a.pdf", Content: []byte("x")})
			return err
		}, "applicationId", fault.Invalid},
		"an empty file": {func(a sdktest.Client, c ats.Connection) error {
			_, err := a.Attach(t.Context(), &ats.AttachRequest{Target: target(c), FileName: "a.pdf"})
			return err
		}, "content", fault.Invalid},
		"a file without a name": {func(a sdktest.Client, c ats.Connection) error {
			_, err := a.Attach(t.Context(), &ats.AttachRequest{Target: target(c), FileName: "a\n.pdf", Content: []byte("x")})
			return err
		}, "fileName", fault.Invalid},
		"a note without its marker": {func(a sdktest.Client, c ats.Connection) error {
			_, err := a.AddNote(t.Context(), &ats.NoteRequest{Target: target(c), Body: "x", Marker: "[m]"})
			return err
		}, "marker", fault.Invalid},
		"a note about nobody": {func(a sdktest.Client, c ats.Connection) error {
			_, err := a.AddNote(t.Context(), &ats.NoteRequest{Target: ats.Target{Connection: c, CandidateID: "x1"}, Body: "[m]", Marker: "[m]"})
			return err
		}, "candidateId", fault.Invalid},
		"a tag without a name": {func(a sdktest.Client, c ats.Connection) error {
			_, err := a.AddTag(t.Context(), &ats.TagRequest{Target: target(c), Name: " \t"})
			return err
		}, "name", fault.Invalid},
		"no field": {func(a sdktest.Client, c ats.Connection) error {
			_, err := a.SetFields(t.Context(), candidateFields(c))
			return err
		}, "fields", fault.Invalid},
		"a scorecard without a grant": {func(a sdktest.Client, c ats.Connection) error {
			_, err := a.Scorecard(t.Context(), &ats.ScorecardRequest{Target: target(c), Recommendation: ats.RecommendYes, Marker: "[m]"})
			return err
		}, "", fault.Unsupported},
		"an unknown recommendation": {func(a sdktest.Client, c ats.Connection) error {
			c.Settings["scorecards"] = "restricted"
			_, err := a.Scorecard(t.Context(), &ats.ScorecardRequest{Target: target(c), Recommendation: "PERHAPS", Marker: "[m]"})
			return err
		}, "recommendation", fault.Invalid},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			s := newStand(t, nil)
			err := tt.run(a, s.connected(a))
			if _, ok := paths(err)[tt.field]; !fault.Is(err, tt.code) || tt.field != "" && !ok {
				t.Errorf("got %v", err)
			}
			if len(s.requests()) != 0 {
				t.Error("something was sent")
			}
		})
	}
}

func TestLongNoteKeepsItsMarker(t *testing.T) {
	t.Parallel()
	a := patient(t)
	s := newStand(t, map[string][]said{"GET /v3/notes": ok("[]"), "POST /v3/notes": {{status: 201, body: `{"id":1}`}}})
	r := tagNote(s.connected(a))
	r.Body = strings.Repeat("ö", 60_000) + r.Marker
	receipt, err := a.AddNote(t.Context(), r)
	if err != nil || len(receipt.Degraded) != 1 {
		t.Fatal(receipt, err)
	}
	if body := s.requests()[1].Body; !strings.Contains(body, `…\n\n[mark-1]"`) || len(body) > 101_000 {
		t.Errorf("%d bytes, ends in %s", len(body), body[len(body)-200:])
	}
}
