package fake_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/trellis-ats/trellis/adapters/fake"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/plugins/sdk/sdktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func inbound(route, body string, settings map[string]string) *ats.InboundRequest {
	return &ats.InboundRequest{
		Connection: ats.Connection{Settings: settings}, Route: route,
		HTTP: ats.HTTPRequest{Params: map[string]string{"id": "asm_1"}, Body: []byte(body)},
	}
}

func TestDescribesWhatItServes(t *testing.T) {
	t.Parallel()
	m, err := sdktest.Serve(t, fake.New, sdktest.Options{}).Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, r := range m.Routes {
		paths = append(paths, r.Method+" "+r.Path+" "+string(r.Credential))
	}
	want := []string{"GET tests BEARER", "POST orders BEARER", "GET orders/{id} BEARER", "POST errors BEARER", "GET reports/{id} BEARER"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
	if !m.Has(ats.CapabilityInbound) || !m.Has(ats.CapabilityResults) {
		t.Errorf("capabilities are %+v", m.Capabilities)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	client := sdktest.Serve(t, fake.New, sdktest.Options{})
	order := `{"order_id":"o1","callback_url":"https://ats.example.com/cb","ordered_by":"r@example.com","tests":["t1","t2"],
		"candidate":{"id":"c1","application_id":"a1","first_name":"Ada","last_name":"L","email":"ada@example.com"}}`
	tests := []struct {
		route, body string
		want        ats.Command
	}{
		{"list-tests", "", &ats.ListTests{}},
		{"read-status", "", &ats.ReadStatus{AssessmentID: "asm_1"}},
		{"read-report", "", &ats.ReadReport{AssessmentID: "asm_1"}},
		{"record-error", `{"operation":"tests","errors":["bad"],"test":"t1"}`, &ats.RecordError{Operation: "tests", Errors: []string{"bad"}, TestID: "t1"}},
		{"place-order", order, &ats.PlaceOrder{
			Items:     []ats.OrderItem{{Key: "o1/t1", TestID: "t1"}, {Key: "o1/t2", TestID: "t2"}},
			Candidate: ats.CandidateRecord{ExternalID: "c1", ApplicationID: "a1", FirstName: "Ada", LastName: "L", Email: "ada@example.com"},
			OrderedBy: "r@example.com", Order: ats.Order{ExternalID: "o1", CallbackURL: "https://ats.example.com/cb"},
		}},
	}
	for _, test := range tests {
		got, err := client.Decode(t.Context(), inbound(test.route, test.body, nil))
		if err != nil {
			t.Errorf("%s: %v", test.route, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.route, diff)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	client := sdktest.Serve(t, fake.New, sdktest.Options{})
	tests := []struct {
		route, body string
		code        fault.Code
		paths       string
	}{
		{"place-order", `{`, fault.Invalid, "body"},
		{"place-order", `{}`, fault.Invalid, "order_id candidate.email tests"},
		{"place-order", `{"order_id":"o","candidate":{"email":"a@example.com"},"tests":["t",""," ","t"]}`, fault.Invalid, "tests[1] tests[3]"},
		{"record-error", `[]`, fault.Invalid, "body"},
		{"no-such-route", ``, fault.NotFound, ""},
	}
	for _, test := range tests {
		_, err := client.Decode(t.Context(), inbound(test.route, test.body, nil))
		var paths []string
		for _, f := range fault.From(err).Fields {
			paths = append(paths, f.Path)
		}
		if !fault.Is(err, test.code) || strings.Join(paths, " ") != test.paths {
			t.Errorf("%s %s: got %v with fields %v", test.route, test.body, err, paths)
		}
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	client := sdktest.Serve(t, fake.New, sdktest.Options{})
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	result := &ats.ResultRecord{Score: 0, Revision: 2, Traits: []ats.TraitRecord{{Key: "calm", Score: 12.5}}, ReportURL: "https://t.example.com/r/1"}
	tests := []struct {
		outcome ats.Outcome
		status  int
		body    string
	}{
		{&ats.TestList{}, 200, `{"tests":[]}`},
		{&ats.TestList{Tests: []ats.TestRecord{{ID: "t1", Name: "Chat", Modality: "CHAT"}}}, 200, `{"tests":[{"id":"t1","name":"Chat","modality":"CHAT"}]}`},
		{&ats.OrderPlaced{AssessmentIDs: []string{"asm_1"}, Repeated: true}, 201, `{"assessments":["asm_1"],"repeated":true}`},
		{&ats.Status{Progress: ats.Progress{AssessmentID: "asm_1", State: ats.StateInvited}}, 200, `{"assessment":"asm_1","state":"INVITED"}`},
		{
			&ats.Status{Progress: ats.Progress{AssessmentID: "asm_1", State: ats.StateScored, CompletedAt: at, Result: result}}, 200,
			`{"assessment":"asm_1","state":"SCORED","completed_at":"2026-01-02T03:04:05Z","score":0,"revision":2,"traits":{"calm":12.5},"report":"https://t.example.com/r/1"}`,
		},
		{&ats.ErrorRecorded{}, 204, ``},
		{&ats.ReportLink{URL: "https://t.example.com/r/1"}, 302, ``},
		{&ats.Refused{}, 500, `{"error":{"code":"INTERNAL","message":"Something went wrong."}}`},
		{
			&ats.Refused{Fault: fault.InvalidField("tests[0]", "UNKNOWN", "no such test")}, 422,
			`{"error":{"code":"INVALID","message":"no such test","fields":[{"path":"tests[0]","code":"UNKNOWN","message":"no such test"}]}}`,
		},
	}
	for _, test := range tests {
		got, err := client.Encode(t.Context(), inbound("", "", nil), test.outcome)
		if err != nil {
			t.Errorf("%T: %v", test.outcome, err)
			continue
		}
		if got.Status != test.status || string(got.Body) != test.body {
			t.Errorf("%T: got %d %s\nwant %d %s", test.outcome, got.Status, got.Body, test.status, test.body)
		}
	}
}

func TestCheckConnection(t *testing.T) {
	t.Parallel()
	client := sdktest.Serve(t, fake.New, sdktest.Options{})
	for account, ok := range map[string]bool{"acme": true, " ": false} {
		report, err := client.CheckConnection(t.Context(), &ats.Connection{Settings: map[string]string{"account": account}})
		if err != nil || len(report.Checks) != 1 || report.Checks[0].OK != ok {
			t.Errorf("account %q: %+v, %v", account, report, err)
		}
	}
}

func delivery(callback string, settings map[string]string) *ats.Delivery {
	return &ats.Delivery{
		Connection: ats.Connection{Settings: settings, Secrets: map[string]string{ats.SecretPartnerKey: "key-of-the-partner"}},
		Order:      ats.Order{ExternalID: "o1", CallbackURL: callback}, Key: "o1/t1",
		Progress: ats.Progress{AssessmentID: "asm_1", State: ats.StateScored, Result: &ats.ResultRecord{Score: 71.5, Revision: 1}},
	}
}

func TestDeliver(t *testing.T) {
	t.Parallel()
	client := sdktest.Serve(t, fake.New, sdktest.Options{})
	tests := map[int]fault.Code{
		200: "", 400: fault.Upstream, 401: fault.Auth, 403: fault.Permission, 404: fault.NotFound,
		410: fault.NotFound, 429: fault.RateLimited, 500: fault.Retryable, 503: fault.Retryable,
	}
	for status, code := range tests {
		got := make(chan string, 1)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got <- r.Method + " " + r.Header.Get("Authorization") + " " + string(body)
			w.Header().Set("X-Reference", "ref-1")
			w.WriteHeader(status)
		}))
		settings := map[string]string{"callback_hosts": strings.TrimPrefix(server.URL, "http://")}
		receipt, err := client.Deliver(t.Context(), delivery(server.URL, settings))
		server.Close()
		if fault.CodeOf(err) != code {
			t.Errorf("%d: %v, want %q", status, err, code)
		}
		want := `POST Bearer key-of-the-partner {"order_id":"o1","key":"o1/t1","assessment":"asm_1","state":"SCORED","score":71.5,"revision":1}`
		if sent := <-got; sent != want {
			t.Errorf("sent %s\nwant %s", sent, want)
		}
		if receipt.Reference != "ref-1" || len(receipt.Exchanges) != 1 || receipt.Exchanges[0].Status != status {
			t.Errorf("%d: receipt is %+v", status, receipt)
		}
		if text, _ := json.Marshal(receipt.Exchanges); strings.Contains(string(text), "key-of-the-partner") {
			t.Errorf("the key is in the record: %s", text)
		}
	}
}

func TestDeliverWithoutACallback(t *testing.T) {
	t.Parallel()
	client := sdktest.Serve(t, fake.New, sdktest.Options{})
	if receipt, err := client.Deliver(t.Context(), delivery("", nil)); err != nil || !receipt.AwaitsPoll {
		t.Errorf("no callback: %+v, %v", receipt, err)
	}
	if _, err := client.Deliver(t.Context(), delivery("http://127.0.0.1:1/", nil)); !fault.Is(err, fault.Config) {
		t.Errorf("an address that is not listed: %v, want Config", err)
	}
	if _, err := client.Deliver(t.Context(), delivery("http://[", nil)); !fault.Is(err, fault.Invalid) {
		t.Errorf("no URL: %v, want Invalid", err)
	}
	settings := map[string]string{"callback_hosts": "127.0.0.1"}
	if receipt, err := client.Deliver(t.Context(), delivery("http://127.0.0.1:1/", settings)); !fault.Is(err, fault.Retryable) || len(receipt.Exchanges) != 1 {
		t.Errorf("nobody there: %+v, %v; want Retryable", receipt, err)
	}
}

func TestKnobs(t *testing.T) {
	t.Parallel()
	client := sdktest.Serve(t, fake.New, sdktest.Options{})
	for _, code := range []fault.Code{fault.RateLimited, fault.OutcomeUnknown} {
		_, err := client.Decode(t.Context(), inbound("list-tests", "", map[string]string{"fail_decode": string(code)}))
		if !fault.Is(err, code) {
			t.Errorf("fail_decode: %v, want %s", err, code)
		}
		receipt, err := client.Deliver(t.Context(), delivery("", map[string]string{"fail_deliver": string(code)}))
		if !fault.Is(err, code) || receipt == nil {
			t.Errorf("fail_deliver: %+v, %v, want %s and a receipt", receipt, err, code)
		}
	}
	for knob, code := range map[string]fault.Code{"panic": fault.Internal, "lie": fault.Internal, "delay": fault.Config} {
		settings := map[string]string{knob: "decode, all"}
		if knob != "delay" {
			settings[knob] = "encode,decode"
		}
		if _, err := client.Decode(t.Context(), inbound("list-tests", "", settings)); !fault.Is(err, code) {
			t.Errorf("%s: %v, want %s", knob, err, code)
		}
		settings[knob] = map[bool]string{true: "1ns", false: "encode"}[knob == "delay"]
		if _, err := client.Decode(t.Context(), inbound("list-tests", "", settings)); err != nil {
			t.Errorf("%s for another call: %v", knob, err)
		}
	}
}

func TestADelayObeysTheDeadline(t *testing.T) {
	t.Parallel()
	client := sdktest.Serve(t, fake.New, sdktest.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second) // a tenth of it is for the answer
	defer cancel()
	_, err := client.Decode(ctx, inbound("list-tests", "", map[string]string{"delay": "1h"}))
	if !fault.Is(err, fault.Retryable) || fault.From(err).Cause != nil {
		t.Errorf("got %v, want the adapter's own answer", err)
	}
}
