package greenhouse_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

func jobs(c ats.Connection) *ats.ReferenceQuery {
	return &ats.ReferenceQuery{Connection: c, Kind: ats.ReferenceTags}
}

func tagNote(c ats.Connection) *ats.NoteRequest {
	return &ats.NoteRequest{Target: ats.Target{Connection: c, CandidateID: "41", ApplicationID: "71"}, Body: "Score 81 [mark-1]", Marker: "[mark-1]"}
}

// The class of an answer decides what the host does next; of a write it must
// never say "nothing happened" if something may have.
func TestClasses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status      int
		header      []string
		read, write fault.Code
		after       time.Duration
	}{
		"401": {401, nil, fault.Auth, fault.Auth, 0},
		"403": {403, nil, fault.Permission, fault.Permission, 0},
		"404": {404, nil, fault.NotFound, fault.NotFound, 0},
		"400": {400, nil, fault.Invalid, fault.Invalid, 0},
		"409": {409, nil, fault.Invalid, fault.Invalid, 0},
		"413": {413, nil, fault.Invalid, fault.Invalid, 0},
		"415": {415, nil, fault.Invalid, fault.Invalid, 0},
		"422": {422, nil, fault.Invalid, fault.Invalid, 0},
		"405": {405, nil, fault.Unsupported, fault.Unsupported, 0},
		"408": {408, nil, fault.Retryable, fault.OutcomeUnknown, 0},
		"425": {425, nil, fault.Retryable, fault.OutcomeUnknown, 0},
		"500": {500, nil, fault.Retryable, fault.OutcomeUnknown, 0},
		"502": {502, nil, fault.Retryable, fault.OutcomeUnknown, 0},
		"503": {503, []string{"Retry-After", "9"}, fault.Retryable, fault.OutcomeUnknown, 9 * time.Second},
		"429": {429, []string{"Retry-After", "7"}, fault.RateLimited, fault.RateLimited, 7 * time.Second},
		"302": {302, []string{"Location", "/login"}, fault.Upstream, fault.OutcomeUnknown, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, answer := patient(t), []said{{status: tt.status, header: tt.header}}
			s := newStand(t, map[string][]said{"GET /v3/candidate_tags": answer, "GET /v3/notes": ok("[]"), "POST /v3/notes": answer})
			page, err := a.List(t.Context(), jobs(s.connected(a)))
			if fault.CodeOf(err) != tt.read || fault.From(err).RetryAfter != tt.after || len(page.Exchanges) != 1 {
				t.Errorf("read: %v after %s, %d exchanges", err, fault.From(err).RetryAfter, len(page.Exchanges))
			}
			receipt, err := a.AddNote(t.Context(), tagNote(s.connected(a)))
			if fault.CodeOf(err) != tt.write || fault.From(err).RetryAfter != tt.after || len(receipt.Exchanges) != 2 || receipt.Reference != "" {
				t.Errorf("write: %v after %s, %+v", err, fault.From(err).RetryAfter, receipt)
			}
			if tt.write == fault.OutcomeUnknown && fault.Repeatable(err) {
				t.Error("a write that may have happened would be repeated")
			}
		})
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		arrange     func(*stand)
		read, write fault.Code
	}{
		"cuts":                             {func(s *stand) { s.cut = "POST /v3/notes" }, "", fault.OutcomeUnknown},
		"cut read":                         {func(s *stand) { s.cut = "GET /v3/candidate_tags" }, fault.Retryable, ""},
		"hangs":                            {func(s *stand) { s.hang = "POST /v3/notes" }, "", fault.OutcomeUnknown},
		"gone":                             {func(s *stand) { s.server.Close() }, fault.Retryable, fault.Retryable},
		"too much":                         {func(s *stand) { s.script["POST /v3/notes"] = ok(strings.Repeat("x", 5<<20)) }, "", fault.OutcomeUnknown},
		"no JSON":                          {func(s *stand) { s.script["POST /v3/notes"] = ok("<html>") }, "", fault.OutcomeUnknown},
		"no id":                            {func(s *stand) { s.script["POST /v3/notes"] = ok("{}") }, "", fault.OutcomeUnknown},
		"an object where a list should be": {func(s *stand) { s.script["GET /v3/candidate_tags"] = ok(`{"tags":[]}`) }, fault.Upstream, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			s := newStand(t, map[string][]said{"GET /v3/candidate_tags": ok("[]"), "GET /v3/notes": ok("[]"), "POST /v3/notes": {{status: 201, body: `{"id":5}`}}})
			c := s.connected(a)
			tt.arrange(s)
			_, err := a.List(t.Context(), jobs(c))
			if fault.CodeOf(err) != tt.read {
				t.Errorf("read: %v", err)
			}
			_, err = a.AddNote(t.Context(), tagNote(c))
			if fault.CodeOf(err) != tt.write {
				t.Errorf("write: %v", err)
			}
		})
	}
}

func TestLostPatchIsUnknown(t *testing.T) {
	t.Parallel()
	a := patient(t)
	s := fieldStand(t)
	s.cut = "PATCH /v3/candidates/41"
	_, err := a.SetFields(t.Context(), candidateFields(s.connected(a), ats.FieldValue{Owner: ats.OwnerCandidate, Key: "miki_score", Number: 81, IsNumber: true}))
	if !fault.Is(err, fault.OutcomeUnknown) {
		t.Errorf("got %v", err)
	}
}

func TestForbiddenNamesTheScope(t *testing.T) {
	t.Parallel()
	a := patient(t)
	s := newStand(t, map[string][]said{"GET /v3/notes": ok("[]"), "POST /v3/notes": {{status: 403}}})
	_, err := a.AddNote(t.Context(), tagNote(s.connected(a)))
	if diff := cmp.Diff([]string{"harvest:notes:create"}, fault.From(err).Missing); diff != "" {
		t.Error(diff)
	}
}

func TestRefusalNamesTheField(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body    string
		want    map[string]string
		message string
	}{
		"a text":           {`{"message":"Unprocessable Content","errors":["When passing a cursor, do not include other query params."]}`, map[string]string{"body": "REFUSED"}, "do not include other query params"},
		"a field":          {`{"message":"Unprocessable Content","errors":[{"job_id":"is closed"}]}`, map[string]string{"jobId": "REFUSED"}, "job_id: is closed"},
		"an unknown field": {`{"errors":[{"visibility":["is wrong","is bad"]}]}`, map[string]string{"visibility": "REFUSED"}, "visibility: [is wrong is bad]"},
		"a nested field":   {`{"errors":[{"application.initial_stage_id":"is of another job"}]}`, map[string]string{"stageId": "REFUSED"}, "application.initial_stage_id: is of another job"},
		"both":             {`{"errors":["No.",{"candidate_id":"x"}]}`, map[string]string{"body": "REFUSED", "candidateId": "REFUSED"}, "No; candidate_id: x"},
		"a message":        {`{"message":"Unprocessable Content"}`, map[string]string{"body": "REFUSED"}, "Unprocessable Content"},
		"no JSON":          {`<html>`, map[string]string{"body": "REFUSED"}, "does not say why"},
		"a person":         {`{"errors":["ada@example.com is taken\nby <someone@example.org>"]}`, map[string]string{"body": "REFUSED"}, "[masked] is taken by [masked]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			s := newStand(t, map[string][]said{"GET /v3/notes": ok("[]"), "POST /v3/notes": {{status: 422, body: tt.body}}})
			_, err := a.AddNote(t.Context(), tagNote(s.connected(a)))
			if diff := cmp.Diff(tt.want, paths(err)); diff != "" {
				t.Error(diff)
			}
			if e := fault.From(err); !strings.Contains(e.Message, tt.message) || strings.Contains(e.Error(), "example.") {
				t.Errorf("says %s", e.Error())
			}
		})
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	reset := time.Now().Add(20 * time.Second).Truncate(time.Second)
	window := []string{"X-RateLimit-Limit", "75", "X-RateLimit-Remaining", "3", "X-RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10)}
	a := patient(t)
	s := newStand(t, map[string][]said{"GET /v3/candidate_tags": {{body: "[]", header: window}, {status: 429, header: window}, {body: "[]", header: []string{"X-RateLimit-Limit", "75"}}}})
	want := &ats.RateBudget{Scope: "api", Limit: 75, Remaining: 3, ResetAt: reset.UTC()}
	page, err := a.List(t.Context(), jobs(s.connected(a)))
	if diff := cmp.Diff(want, page.Budget); diff != "" || err != nil {
		t.Error(diff, err)
	}
	page, err = a.List(t.Context(), jobs(s.connected(a)))
	e := fault.From(err)
	if diff := cmp.Diff(want, page.Budget); diff != "" || e.Scope != "api" || e.RetryAfter < 15*time.Second || e.RetryAfter > 20*time.Second {
		t.Errorf("%s, %v after %s", diff, err, e.RetryAfter)
	}
	if page, err = a.List(t.Context(), jobs(s.connected(a))); page.Budget != nil || err != nil {
		t.Errorf("half a budget: %+v, %v", page.Budget, err)
	}
}

// The cursor travels alone, and the token never to another host.
func TestPages(t *testing.T) {
	t.Parallel()
	a := patient(t)
	s := newStand(t, map[string][]said{})
	link := func(address, rel string) []string { return []string{"Link", "<" + address + `>; rel="` + rel + `"`} }
	s.script["GET /v3/candidate_tags"] = []said{
		{body: `[{"id":2,"name":"B"}]`, header: append(link(s.server.URL+"/v3/candidate_tags?cursor=p0", "prev"), link(s.server.URL+"/v3/candidate_tags?cursor=abc%3D%3D", "next")...)},
		{body: `[{"id":1,"name":"A"}]`},
		{body: `[]`, header: link("https://elsewhere.example.com/v3/candidate_tags?cursor=x", "next")},
		{body: `[]`, header: []string{"Link", "no address"}},
		{body: `[]`, header: append(link(s.server.URL+"/v3/candidate_tags?cursor=p,0", "prev"), link(s.server.URL+"/v3/candidate_tags?cursor=a,b", "next")...)},
	}
	q := jobs(s.connected(a))
	page, err := a.List(t.Context(), q)
	if err != nil || page.Next != "abc==" || len(page.Items) != 1 || page.Items[0].ID != "2" {
		t.Fatalf("got %+v, %v", page, err)
	}
	q.Cursor = page.Next
	if page, err = a.List(t.Context(), q); err != nil || page.Next != "" || page.Items[0].Name != "A" {
		t.Fatalf("got %+v, %v", page, err)
	}
	for _, what := range []string{"another host", "not a link"} {
		if _, err = a.List(t.Context(), q); !fault.Is(err, fault.Upstream) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if page, err = a.List(t.Context(), q); err != nil || page.Next != "a,b" {
		t.Errorf("a comma in the cursor: %+v, %v", page, err)
	}
	all := s.requests()
	if all[0].Query != "per_page=500" || all[1].Query != "cursor=abc==" {
		t.Errorf("asked %+v", all)
	}
}

func TestScansEnd(t *testing.T) {
	t.Parallel()
	a := patient(t)
	s := newStand(t, map[string][]said{})
	s.script["GET /v3/notes"] = []said{{body: "[]", header: []string{"Link", "<" + s.server.URL + `/v3/notes?cursor=again>; rel="next"`}}}
	if _, err := a.AddNote(t.Context(), tagNote(s.connected(a))); fault.From(err).Kind != "TOO_MANY" {
		t.Errorf("got %v", err)
	}
	if n := len(s.requests()); n != 20 {
		t.Errorf("%d pages", n)
	}
}

func TestNothingIsSentWithoutAConnection(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*ats.Connection)
		want   fault.Code
	}{
		"not connected":      {func(c *ats.Connection) { c.Settings["auth_mode"] = "none" }, fault.Config},
		"no token":           {func(c *ats.Connection) { delete(c.Secrets, ats.SecretAccessToken) }, fault.Auth},
		"plain http":         {func(c *ats.Connection) { c.Settings["harvest_url"] = "http://harvest.example.com" }, fault.Config},
		"a query in address": {func(c *ats.Connection) { c.Settings["harvest_url"] += "?x=1" }, fault.Config},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			s := newStand(t, nil)
			c := s.connected(a)
			tt.change(&c)
			page, err := a.List(t.Context(), jobs(c))
			if fault.CodeOf(err) != tt.want || page == nil || len(s.requests()) != 0 {
				t.Errorf("got %v", err)
			}
		})
	}
}

// What an exchange keeps tells what was done, and neither to whom nor by which token.
func TestExchangesAreRedacted(t *testing.T) {
	t.Parallel()
	a := patient(t)
	s := newStand(t, map[string][]said{
		"GET /v3/candidates": ok(`[{"id":41,"first_name":"Ada","email_addresses":[{"value":"ada@example.com","type":"personal"}]}]`),
		"GET /v3/notes":      ok(`[]`), "POST /v3/notes": {{status: 201, body: `{"id":5,"body":"Score 81 [mark-1]"}`}},
		"GET /v3/attachments": ok(`[]`), "POST /v3/attachments": {{status: 201, body: `{"id":9,"url":"https://files.example.com/signed"}`}},
	})
	c := s.connected(a)
	matches, err1 := a.Find(t.Context(), &ats.CandidateQuery{Connection: c, Email: "ada@example.com"})
	noted, err2 := a.AddNote(t.Context(), tagNote(c))
	attached, err3 := a.Attach(t.Context(), &ats.AttachRequest{Target: tagNote(c).Target, FileName: "report.pdf", Content: []byte("%PDF-1.7 secret")})
	if err1 != nil || err2 != nil || err3 != nil || len(matches.Matches) != 1 {
		t.Fatal(err1, err2, err3)
	}
	var kept strings.Builder
	for _, x := range append(append(matches.Exchanges, noted.Exchanges...), attached.Exchanges...) {
		kept.WriteString(x.URL + x.RequestBody + x.ResponseBody + "\n")
	}
	for _, secret := range []string{"ada", "Ada", "Score 81", token, "JVBER", "files.example.com"} {
		if strings.Contains(kept.String(), secret) {
			t.Errorf("kept %q in\n%s", secret, kept.String())
		}
	}
	if !strings.Contains(kept.String(), "report.pdf") || !strings.Contains(kept.String(), `"id":41`) {
		t.Errorf("kept too little:\n%s", kept.String())
	}
}
