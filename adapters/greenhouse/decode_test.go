package greenhouse_test

import (
	"encoding/json"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/adapters/greenhouse"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/plugins/sdk"
)

func TestDecodeOrder(t *testing.T) {
	t.Parallel()
	a := serve(t)
	got, err := a.Decode(t.Context(), inbound(t, a, "send-test", fixture(t, "send-test.json")))
	if err != nil {
		t.Fatal(err)
	}
	want := &ats.PlaceOrder{
		Items: []ats.OrderItem{{Key: callback, TestID: "tst_discovery_call"}},
		Candidate: ats.CandidateRecord{
			ExternalID: "4001", ApplicationID: "7001", ProfileURL: "https://app.greenhouse.io/people/4001?application_id=7001",
			FirstName: "Ada", LastName: "Example", PreferredName: "A.", Email: "ada@example.com", Phone: "+1 555 0100",
			ResumeURL: "https://files.example.com/resume.pdf?signature=abc",
		},
		OrderedBy: "recruiter@example.org",
		Order:     ats.Order{ExternalID: "9001", CallbackURL: callback},
	}
	if diff := cmp.Diff(ats.Command(want), got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeOrderTakesNullNumberAndUnknown(t *testing.T) {
	t.Parallel()
	a := serve(t)
	got, err := a.Decode(t.Context(), inbound(t, a, "send-test", fixture(t, "send-test-nulls.json")))
	if err != nil {
		t.Fatal(err)
	}
	order := got.(*ats.PlaceOrder)
	if order.Items[0].TestID != "12345" || order.Candidate.PreferredName != "" || order.OrderedBy != "" ||
		order.Candidate.ExternalID != "4001" || order.Candidate.ApplicationID != "" || len(order.Order.Warnings) != 0 {
		t.Errorf("got %+v", order)
	}
}

// change sets path ("candidate.email") in the fixture to the JSON text value; "" removes it.
func change(t testing.TB, path, value string) []byte {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(fixture(t, "send-test.json"), &body); err != nil {
		t.Fatal(err)
	}
	at, name := body, path
	if rest, ok := strings.CutPrefix(path, "candidate."); ok {
		at, name = body["candidate"].(map[string]any), rest
	}
	delete(at, name)
	if value != "" {
		at[name] = json.RawMessage(value)
	}
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func TestDecodeOrderRefuses(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return quoted(strings.Repeat("x", n)) }
	tests := map[string]struct{ path, value, code string }{
		"no test":                   {"partner_test_id", "", "REQUIRED"},
		"null test":                 {"partner_test_id", "null", "REQUIRED"},
		"blank test":                {"partner_test_id", `" "`, "REQUIRED"},
		"test of a wrong type":      {"partner_test_id", `true`, "TYPE"},
		"fraction as test":          {"partner_test_id", `1.5`, "TYPE"},
		"exponent as test":          {"partner_test_id", `1e3`, "TYPE"},
		"long test":                 {"partner_test_id", long(256), "TOO_LONG"},
		"no candidate":              {"candidate", "", "REQUIRED"},
		"null candidate":            {"candidate", "null", "REQUIRED"},
		"candidate of a wrong type": {"candidate", `[]`, "TYPE"},
		"no first name":             {"candidate.first_name", "", "REQUIRED"},
		"number as first name":      {"candidate.first_name", "7", "TYPE"},
		"long first name":           {"candidate.first_name", long(256), "TOO_LONG"},
		"null last name":            {"candidate.last_name", "null", "REQUIRED"},
		"object as preferred name":  {"candidate.preferred_name", "{}", "TYPE"},
		"array as resume":           {"candidate.resume_url", "[]", "TYPE"},
		"number as phone":           {"candidate.phone_number", "1", "TYPE"},
		"number as sender":          {"sent_by", "1", "TYPE"},
		"no e-mail":                 {"candidate.email", "", "REQUIRED"},
		"null e-mail":               {"candidate.email", "null", "REQUIRED"},
		"blank e-mail":              {"candidate.email", `""`, "REQUIRED"},
		"e-mail without domain":     {"candidate.email", `"ada"`, "INVALID"},
		"e-mail with a name":        {"candidate.email", `"Ada <ada@example.com>"`, "INVALID"},
		"two e-mails":               {"candidate.email", `"a@example.com, b@example.com"`, "INVALID"},
		"e-mail with a line break":  {"candidate.email", `"ada@example.com\r\nBcc: b@example.com"`, "INVALID"},
		"trailing line break":       {"candidate.email", `"ada@example.com\n"`, "INVALID"},
		"e-mail with NUL":           {"candidate.email", `"ada\u0000@example.com"`, "INVALID"},
		"e-mail with U+2028":        {"candidate.email", `"ada\u2028@example.com"`, "INVALID"},
		"e-mail with bidi control":  {"candidate.email", `"ada\u202e@example.com"`, "INVALID"},
		"e-mail at an address":      {"candidate.email", `"ada@[127.0.0.1]"`, "INVALID"},
		"long e-mail":               {"candidate.email", quoted(strings.Repeat("a", 243) + "@example.com"), "TOO_LONG"},
		"no profile":                {"candidate.greenhouse_profile_url", "", "REQUIRED"},
		"long profile":              {"candidate.greenhouse_profile_url", quoted("https://app.greenhouse.io/" + strings.Repeat("x", 2048)), "TOO_LONG"},
		"no url":                    {"url", "", "REQUIRED"},
		"null url":                  {"url", "null", "REQUIRED"},
		"url of a wrong type":       {"url", "5", "TYPE"},
		"url with a line break":     {"url", `"https://app.greenhouse.io/\n1"`, "INVALID"},
		"long url":                  {"url", quoted("https://app.greenhouse.io/" + strings.Repeat("x", 2023)), "TOO_LONG"},
	}
	a := serve(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := a.Decode(t.Context(), inbound(t, a, "send-test", change(t, tt.path, tt.value)))
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(map[string]string{tt.path: tt.code}, paths(err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeOrderNamesAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	a := serve(t)
	_, err := a.Decode(t.Context(), inbound(t, a, "send-test", []byte(`{"candidate":{"email":"x"}}`)))
	want := map[string]string{
		"partner_test_id": "REQUIRED", "url": "REQUIRED", "candidate.first_name": "REQUIRED", "candidate.last_name": "REQUIRED",
		"candidate.email": "INVALID", "candidate.greenhouse_profile_url": "REQUIRED",
	}
	if diff := cmp.Diff(want, paths(err)); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeRefusesBodies(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, code string }{
		"empty":         {"", "REQUIRED"},
		"spaces":        {" \n", "REQUIRED"},
		"cut":           {`{"candidate":`, "MALFORMED"},
		"not JSON":      {"partner_test_id=1", "MALFORMED"},
		"two objects":   {"{}{}", "MALFORMED"},
		"invalid UTF-8": {"{\"x\":\"\xff\"}", "MALFORMED"},
		"array":         {"[]", "TYPE"},
		"null":          {"null", "TYPE"},
		"string":        {`"x"`, "TYPE"},
		"deep":          {strings.Repeat("[", 20000), "MALFORMED"},
	}
	a := serve(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, route := range []string{"send-test", "response-error"} {
				_, err := a.Decode(t.Context(), inbound(t, a, route, []byte(tt.body)))
				if diff := cmp.Diff(map[string]string{"body": tt.code}, paths(err)); diff != "" || !fault.Is(err, fault.Invalid) {
					t.Errorf("%s: %v\n%s", route, err, diff)
				}
			}
		})
	}
}

func TestDecodeOrderKeepsWhatIsOnlyOdd(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path, value string
		warning     string // "": none
		check       func(*ats.PlaceOrder) bool
	}{
		"longest name":            {"candidate.last_name", quoted(strings.Repeat("ä", 255)), "", func(o *ats.PlaceOrder) bool { return len(o.Candidate.LastName) == 510 }},
		"line break in a name":    {"candidate.first_name", `" Ada\r\n\u0000 B. "`, "", func(o *ats.PlaceOrder) bool { return o.Candidate.FirstName == "Ada B." }},
		"spaces around e-mail":    {"candidate.email", `" ada@example.com "`, "", func(o *ats.PlaceOrder) bool { return o.Candidate.Email == "ada@example.com" }},
		"no preferred name":       {"candidate.preferred_name", "", "", func(o *ats.PlaceOrder) bool { return o.Candidate.PreferredName == "" }},
		"sender is no e-mail":     {"sent_by", `"somebody"`, "sent_by", func(o *ats.PlaceOrder) bool { return o.OrderedBy == "" }},
		"resume is a script":      {"candidate.resume_url", `"javascript:alert(1)"`, "resume_url", func(o *ats.PlaceOrder) bool { return o.Candidate.ResumeURL == "" }},
		"resume too long":         {"candidate.resume_url", quoted("https://files.example.com/" + strings.Repeat("x", 2048)), "resume_url", func(o *ats.PlaceOrder) bool { return o.Candidate.ResumeURL == "" }},
		"profile is a script":     {"candidate.greenhouse_profile_url", `"javascript:alert(1)"`, "greenhouse_profile_url", func(o *ats.PlaceOrder) bool { return o.Candidate.ProfileURL == "" && o.Candidate.ExternalID == "" }},
		"profile without id":      {"candidate.greenhouse_profile_url", `"https://app.greenhouse.io/people/ada"`, "candidate id", func(o *ats.PlaceOrder) bool { return o.Candidate.ExternalID == "" }},
		"application is no id":    {"candidate.greenhouse_profile_url", `"https://app.greenhouse.io/people/1?application_id=x"`, "", func(o *ats.PlaceOrder) bool { return o.Candidate.ExternalID == "1" && o.Candidate.ApplicationID == "" }},
		"url without number":      {"url", `"https://app.greenhouse.io/x"`, "", func(o *ats.PlaceOrder) bool { return o.Order.ExternalID == "" && o.Order.CallbackURL != "" }},
		"url at another host":     {"url", `"https://example.com/take_home_tests/5"`, "callback hosts", noCallback("https://example.com/take_home_tests/5")},
		"url with look-alike":     {"url", `"https://app.greenhouse.io.example.com/5"`, "callback hosts", noCallback("https://app.greenhouse.io.example.com/5")},
		"url with a user":         {"url", `"https://app.greenhouse.io@example.com/5"`, "user name", noCallback("https://app.greenhouse.io@example.com/5")},
		"plain url":               {"url", `"http://app.greenhouse.io/5"`, "loopback", noCallback("http://app.greenhouse.io/5")},
		"url of another scheme":   {"url", `"ftp://app.greenhouse.io/5"`, "https", noCallback("ftp://app.greenhouse.io/5")},
		"url that is none":        {"url", `"9001"`, "web address", noCallback("9001")},
		"plain loopback unlisted": {"url", `"http://127.0.0.1:8090/5"`, "callback hosts", noCallback("http://127.0.0.1:8090/5")},
	}
	a := serve(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := a.Decode(t.Context(), inbound(t, a, "send-test", change(t, tt.path, tt.value)))
			if err != nil {
				t.Fatal(err)
			}
			order := got.(*ats.PlaceOrder)
			warnings := strings.Join(order.Order.Warnings, "\n")
			if !tt.check(order) || (tt.warning == "") != (warnings == "") || !strings.Contains(warnings, tt.warning) {
				t.Errorf("got %+v", order)
			}
		})
	}
}

// noCallback expects that the order is known by its url but nothing will be sent there.
func noCallback(key string) func(*ats.PlaceOrder) bool {
	return func(o *ats.PlaceOrder) bool { return o.Items[0].Key == key && o.Order.CallbackURL == "" }
}

func TestDecodeOrderAllowsListedHosts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		hosts, url string
		want       bool
	}{
		"listed":                 {"eu.greenhouse.io, app.greenhouse.io", "https://eu.greenhouse.io/1", true},
		"upper case":             {"APP.greenhouse.io", "https://app.GREENHOUSE.io/1", true},
		"plain loopback":         {"127.0.0.1:8090", "http://127.0.0.1:8090/1", true},
		"plain loopback by name": {"localhost", "http://localhost:8090/1", true},
		"other port":             {"127.0.0.1:8090", "http://127.0.0.1:8091/1", false},
		"plain, listed, remote":  {"sandbox.example.com", "http://sandbox.example.com/1", false},
		"default is gone":        {"127.0.0.1:8090", callback, false},
	}
	a := serve(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := a.Decode(t.Context(), inbound(t, a, "send-test", change(t, "url", quoted(tt.url)), "callback_hosts", tt.hosts))
			if err != nil {
				t.Fatal(err)
			}
			if kept := got.(*ats.PlaceOrder).Order.CallbackURL != ""; kept != tt.want {
				t.Errorf("kept: %t", kept)
			}
		})
	}
}

func TestDecodeReads(t *testing.T) {
	t.Parallel()
	many := map[string][]string{"partner_interview_id": {"a", "b"}}
	tests := map[string]struct {
		route string
		http  ats.HTTPRequest
		want  ats.Command
		bad   map[string]string
	}{
		"tests":            {"list-tests", ats.HTTPRequest{}, &ats.ListTests{}, nil},
		"status":           {"test-status", ats.HTTPRequest{Query: map[string][]string{"partner_interview_id": {"asm_1"}, "more": {"x"}}}, &ats.ReadStatus{AssessmentID: "asm_1"}, nil},
		"status of none":   {"test-status", ats.HTTPRequest{}, nil, map[string]string{"partner_interview_id": "REQUIRED"}},
		"status of blank":  {"test-status", ats.HTTPRequest{Query: map[string][]string{"partner_interview_id": {""}}}, nil, map[string]string{"partner_interview_id": "REQUIRED"}},
		"status of two":    {"test-status", ats.HTTPRequest{Query: many}, nil, map[string]string{"partner_interview_id": "INVALID"}},
		"status of a lot":  {"test-status", ats.HTTPRequest{Query: map[string][]string{"partner_interview_id": {strings.Repeat("x", 256)}}}, nil, map[string]string{"partner_interview_id": "TOO_LONG"}},
		"status of a NUL":  {"test-status", ats.HTTPRequest{Query: map[string][]string{"partner_interview_id": {"a\x00"}}}, nil, map[string]string{"partner_interview_id": "INVALID"}},
		"report":           {"report", ats.HTTPRequest{Params: map[string]string{"id": "asm_1"}}, &ats.ReadReport{AssessmentID: "asm_1"}, nil},
		"report of none":   {"report", ats.HTTPRequest{}, nil, map[string]string{"id": "REQUIRED"}},
		"error":            {"response-error", ats.HTTPRequest{Body: fixture(t, "response-error.json")}, &ats.RecordError{Operation: "test-status", Errors: []string{"partner_status is 'complete' but partner_profile url is missing", "second"}, AssessmentID: "asm_1", TestID: "tst_discovery_call"}, nil},
		"error, least":     {"response-error", ats.HTTPRequest{Body: []byte(`{"api_call":"list_tests","errors":[]}`)}, &ats.RecordError{Operation: "list-tests"}, nil},
		"error, nulls":     {"response-error", ats.HTTPRequest{Body: []byte(`{"api_call":"other","errors":["a\nb"],"partner_test_id":null,"partner_interview_id":5}`)}, &ats.RecordError{Operation: "other", Errors: []string{"a b"}, AssessmentID: "5"}, nil},
		"error, no call":   {"response-error", ats.HTTPRequest{Body: []byte(`{"errors":["x"]}`)}, nil, map[string]string{"api_call": "REQUIRED"}},
		"error, no errors": {"response-error", ats.HTTPRequest{Body: []byte(`{"api_call":"send_test"}`)}, nil, map[string]string{"errors": "REQUIRED"}},
		"error, text":      {"response-error", ats.HTTPRequest{Body: []byte(`{"api_call":"send_test","errors":"x"}`)}, nil, map[string]string{"errors": "TYPE"}},
		"error, numbers":   {"response-error", ats.HTTPRequest{Body: []byte(`{"api_call":"send_test","errors":[1]}`)}, nil, map[string]string{"errors": "TYPE"}},
	}
	a := serve(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := a.Decode(t.Context(), &ats.InboundRequest{Connection: connection(t, a), Route: tt.route, HTTP: tt.http})
			if tt.bad != nil {
				if diff := cmp.Diff(tt.bad, paths(err)); diff != "" {
					t.Error(diff)
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Error(err, diff)
			}
		})
	}
}

func TestDecodeUnknownRoute(t *testing.T) {
	t.Parallel()
	a := greenhouse.New(&sdk.Runtime{}).(ats.Inbound)
	if _, err := a.Decode(t.Context(), &ats.InboundRequest{Route: "other"}); !fault.Is(err, fault.Unsupported) {
		t.Errorf("got %v", err)
	}
}

// FuzzDecode looks for a body that is neither refused properly nor read into
// an order that is safe to store and act on.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"send-test.json", "send-test-nulls.json", "response-error.json"} {
		f.Add("send-test", fixture(f, name))
		f.Add("response-error", fixture(f, name))
	}
	a := greenhouse.New(&sdk.Runtime{}).(ats.Inbound)
	f.Fuzz(func(t *testing.T, route string, body []byte) {
		r := &ats.InboundRequest{Route: route, HTTP: ats.HTTPRequest{Body: body, Query: map[string][]string{"partner_interview_id": {string(body)}}}}
		command, err := a.Decode(t.Context(), r)
		if err != nil {
			checkRefusal(t, a, r, err)
		}
		if order, ok := command.(*ats.PlaceOrder); ok {
			checkOrder(t, order)
		}
	})
}

func checkRefusal(t *testing.T, a ats.Inbound, r *ats.InboundRequest, err error) {
	t.Helper()
	if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Unsupported) {
		t.Fatalf("got %v", err)
	}
	answer, err := a.Encode(t.Context(), r, &ats.Refused{Fault: fault.From(err)})
	if err != nil || answer.Status < 400 || !json.Valid(answer.Body) {
		t.Fatalf("got %+v, %v", answer, err)
	}
}

func checkOrder(t *testing.T, o *ats.PlaceOrder) {
	t.Helper()
	c := o.Candidate
	if len(o.Items) != 1 || o.Items[0].Key == "" || o.Items[0].TestID == "" || c.FirstName == "" || c.LastName == "" {
		t.Errorf("incomplete: %+v", o)
	}
	if _, err := mail.ParseAddress(c.Email); err != nil {
		t.Errorf("e-mail %q: %v", c.Email, err)
	}
	if o.Order.CallbackURL != "" && !strings.HasPrefix(strings.ToLower(o.Order.CallbackURL), "https://app.greenhouse.io") {
		t.Errorf("callback %q", o.Order.CallbackURL)
	}
	texts := []string{c.FirstName, c.LastName, c.PreferredName, c.Email, c.Phone, c.ProfileURL, c.ResumeURL, o.OrderedBy, o.Items[0].Key, o.Items[0].TestID}
	if slices.ContainsFunc(texts, func(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }) {
		t.Errorf("control characters: %q", texts)
	}
}
