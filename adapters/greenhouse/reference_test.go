package greenhouse_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

func TestList(t *testing.T) {
	t.Parallel()
	tests := map[ats.ReferenceKind]struct {
		parent string
		body   string
		asked  asked
		want   []ats.ReferenceItem
	}{
		ats.ReferenceJobs: {
			"", `[{"id":3,"name":"T","status":"draft","is_template":true},{"id":2,"name":"Closed","status":"closed","requisition_id":null},{"id":1,"name":"AE","status":"open","requisition_id":"AE-1","confidential":true}]`,
			asked{"GET /v3/jobs", "per_page=500", ""},
			[]ats.ReferenceItem{
				{ID: "2", Name: "Closed", Details: map[string]string{"status": "closed"}},
				{ID: "1", Name: "AE", Active: true, Details: map[string]string{"status": "open", "requisition_id": "AE-1", "confidential": "true"}},
			},
		},
		ats.ReferenceStages: {
			"12345", jobStages,
			asked{"GET /v3/job_interview_stages", "job_ids=12345&per_page=500", ""},
			[]ats.ReferenceItem{
				{ID: "71416", Name: "Assessment", Parent: "12345", Order: 1, Active: true},
				{ID: "71417", Name: "Phone Interview", Parent: "12345", Order: 2, Active: true},
				{ID: "71418", Name: "Old", Parent: "12345", Order: 9},
			},
		},
		ats.ReferenceUsers: {
			"", `[{"id":2,"name":"Gone","primary_email":null,"deactivated":true,"site_admin":false},{"id":1,"name":"Rita","primary_email":"rita@example.com","deactivated":false,"site_admin":true}]`,
			asked{"GET /v3/users", "per_page=500&show_service_accounts=true", ""},
			[]ats.ReferenceItem{
				{ID: "2", Name: "Gone", Details: map[string]string{"site_admin": "false"}},
				{ID: "1", Name: "Rita", Active: true, Details: map[string]string{"site_admin": "true", "email": "rita@example.com"}},
			},
		},
		ats.ReferenceRejectionReasons: {
			"", `[{"id":14,"name":"Too Junior","type":{"id":1,"key":"WE_REJECTED_THEM","name":"We rejected them"}}]`,
			asked{"GET /v3/rejection_reasons", "include_defaults=true&per_page=500", ""},
			[]ats.ReferenceItem{{ID: "14", Name: "Too Junior", Active: true, Details: map[string]string{"kind": "WE_REJECTED_THEM", "group": "We rejected them"}}},
		},
		ats.ReferenceEmailTemplates: {
			"", `[{"id":987,"name":"No","email_type":"candidate_rejection","default":true,"user_id":null,"html_body":"<p>"},{"id":988,"name":"Mine","email_type":"candidate_rejection","default":false,"user_id":4001},{"id":989,"name":"Take home","email_type":"take_home_test_email","user_id":null}]`,
			asked{"GET /v3/email_templates", "per_page=50", ""},
			[]ats.ReferenceItem{
				{ID: "987", Name: "No", Active: true, Details: map[string]string{"kind": "candidate_rejection", "default": "true"}},
			},
		},
		ats.ReferenceCustomFields: {
			"", `[{"id":3,"name":"Pay","name_key":"pay","field_type":"offer","value_type":"currency","active":true},{"id":2,"name":"Band","name_key":"band","field_type":"application","value_type":"single_select","active":false,"sort_order":4},
				{"id":1,"name":"Score","name_key":"score","field_type":"candidate","value_type":"number","active":true,"sort_order":1}]`,
			asked{"GET /v3/custom_fields", "per_page=500", ""},
			[]ats.ReferenceItem{
				{ID: "2", Name: "Band", Order: 4, Details: map[string]string{"owner": "APPLICATION", "type": "single_select", "key": "band"}},
				{ID: "1", Name: "Score", Order: 1, Active: true, Details: map[string]string{"owner": "CANDIDATE", "type": "number", "key": "score", "takes": "NUMBERS"}},
			},
		},
		ats.ReferenceCustomFieldOptions: {
			"2", `[{"id":7701,"custom_field_id":2,"name":"Strong","sort_order":1,"active":true}]`,
			asked{"GET /v3/custom_field_options", "custom_field_ids=2&per_page=500", ""},
			[]ats.ReferenceItem{{ID: "7701", Name: "Strong", Parent: "2", Order: 1, Active: true}},
		},
		ats.ReferenceSources: {
			"", `[{"id":25,"name":"Miki","type":{"id":9,"name":"Other"}}]`,
			asked{"GET /v3/sources", "per_page=500", ""},
			[]ats.ReferenceItem{{ID: "25", Name: "Miki", Active: true, Details: map[string]string{"kind": "Other"}}},
		},
		ats.ReferenceTags: {"", `[{"id":61,"name":"Passed"},{"id":null,"name":"?"}]`, asked{"GET /v3/candidate_tags", "per_page=500", ""}, []ats.ReferenceItem{{ID: "61", Name: "Passed", Active: true}}},
	}
	for kind, tt := range tests {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			s := newStand(t, map[string][]said{tt.asked.Route: ok(tt.body)})
			page, err := a.List(t.Context(), &ats.ReferenceQuery{Connection: s.connected(a), Kind: kind, Parent: tt.parent})
			if err != nil {
				t.Fatal(err)
			}
			for i := range page.Items {
				if len(page.Items[i].Details) == 0 {
					page.Items[i].Details = nil
				}
			}
			if diff := cmp.Diff(tt.want, page.Items); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]asked{tt.asked}, s.requests()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestListRefuses(t *testing.T) {
	t.Parallel()
	a := patient(t)
	s := newStand(t, nil)
	for kind, want := range map[ats.ReferenceKind]fault.Code{
		ats.ReferenceStages: fault.Invalid, ats.ReferenceCustomFieldOptions: fault.Invalid, "PLANETS": fault.Unsupported,
	} {
		if _, err := a.List(t.Context(), &ats.ReferenceQuery{Connection: s.connected(a), Kind: kind}); !fault.Is(err, want) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
