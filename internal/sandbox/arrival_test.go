package sandbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/trellis-ats/trellis/internal/sandbox"
	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

const clientSecret = "client secret"

func withAccount(o *sandbox.Options) { o.Manual, o.ClientSecret = true, clientSecret }

// harvest makes a call with a new token and decodes the answer.
func (b *bundle) harvest(method, path, body string, into any) int {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url+"/oauth/token", strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		b.t.Fatal(err)
	}
	req.SetBasicAuth("sandbox-1", clientSecret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if status := answered(b.t, req, &token); status != http.StatusOK {
		b.t.Fatalf("token: %d", status)
	}
	if req, err = http.NewRequestWithContext(b.t.Context(), method, b.url+"/v3/"+path, strings.NewReader(body)); err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token.AccessToken)
	return answered(b.t, req, into)
}

func answered(t *testing.T, req *http.Request, into any) int {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && into != nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return resp.StatusCode
}

// Who is pushed appears on the page with all that was attached; nothing of it is run.
func TestPageShowsWhoArrived(t *testing.T) {
	t.Parallel()
	b := newBundle(t, withAccount)
	var made struct{ Candidate, Application struct{ ID int64 } }
	body := `{"first_name":"Petra","last_name":"<i>Pushed","email_addresses":[{"value":"petra.pushed@example.com","type":"personal"}],"tags":["Assessed"],
		"custom_fields":[{"name_key":"assessment_score","value":81.5},{"name_key":"assessment_report","value":"https://trellis.example.com/r/2"}],"application":{"job_id":12345,"initial_stage_id":71413}}`
	if status := b.harvest(http.MethodPost, "candidates", body, &made); status != http.StatusCreated {
		t.Fatalf("create: %d", status)
	}
	large := strings.Repeat("A", 200<<10) // over the limit of the pages
	b.harvest(http.MethodPost, "attachments", fmt.Sprintf(`{"application_id":%d,"filename":"report.pdf","type":"other","content":%q}`, made.Application.ID, large), nil)
	b.harvest(http.MethodPost, "notes", fmt.Sprintf(`{"candidate_id":%d,"body":"A strong <script> call","visibility":"public","note_type":"NOTE"}`, made.Candidate.ID), nil)
	_, home := b.get("/")
	for _, want := range []string{
		"Petra &lt;i&gt;Pushed", "petra.pushed@example.com", "Account Executive", "Phone Interview", "81.5", `href="https://trellis.example.com/r/2"`, "report.pdf", "153600 bytes",
		"A strong &lt;script&gt; call", `<span class="chip">Assessed</span>`, "1 arrived", fmt.Sprintf(`id="candidate-%d"`, made.Candidate.ID),
	} {
		if !strings.Contains(home, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(home, clientSecret) {
		t.Error("the page shows a secret")
	}
	profile, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Get(fmt.Sprintf("%s/people/%d?application_id=1", b.url, made.Candidate.ID))
	if err != nil || profile.Header.Get("Location") != fmt.Sprintf("/#candidate-%d", made.Candidate.ID) {
		t.Errorf("the profile leads to %v, %v", profile, err)
	}
	_ = profile.Body.Close()
}

// Buttons come back to where they were pressed; who was there from the start
// can be rejected too.
func TestButtonsOfThePage(t *testing.T) {
	t.Parallel()
	b := newBundle(t, withAccount)
	press := func(path string, form url.Values) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Accept", "text/html")
		resp, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("Location"))
	}
	for _, tt := range []struct {
		path string
		form url.Values
		want string
	}{
		{"/sandbox/applications/26230001/move", url.Values{"stage_id": {"71415"}}, "303 /#application-26230001"},
		{"/sandbox/applications/26230001/reject", nil, "303 /#application-26230001"},
		{"/sandbox/candidates/17680002/anonymize", nil, "303 /#candidate-17680002"},
		{"/sandbox/candidates/17680003/delete", nil, "303 /#pushed"},
		{"/sandbox/hooks", url.Values{"url": {b.trellis.server.URL + "/none"}, "secret": {"1"}, "all": {"true"}}, "303 /#hooks"},
		{"/sandbox/hooks/1", nil, "303 /#hooks"},
		{"/sandbox/hooks/1/delete", nil, "303 /#hooks"},
		{"/sandbox/hooks/1/delete", nil, "404 "},
		{"/sandbox/applications/26230001/move", url.Values{"stage_id": {"x"}}, "400 "},
	} {
		if got := press(tt.path, tt.form); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.path, got, tt.want)
		}
	}
	var rows []map[string]any
	b.harvest(http.MethodGet, "applications?ids=26230001", "", &rows)
	if rows[0]["status"] != "rejected" {
		t.Errorf("got %v", rows)
	}
}

// A button from another site is refused; programs' calls are not asked for an origin.
func TestForeignPagesPressNoButton(t *testing.T) {
	t.Parallel()
	b := newBundle(t, withAccount)
	for path, want := range map[string]int{"/sandbox/candidates/17680001/delete": http.StatusForbidden, "/oauth/authorize": http.StatusForbidden, "/v3/jobs": http.StatusNotFound} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		if got := status(http.DefaultClient.Do(req)); got != want {
			t.Errorf("%s: %d", path, got)
		}
	}
}

// Entering the stage presses "Send Test", if the rule is on.
func TestStageSendsTest(t *testing.T) {
	t.Parallel()
	b := newBundle(t, func(o *sandbox.Options) {
		withAccount(o)
		o.Rules = func(r *account.Rules) { r.StageSends = true }
	})
	b.post("/sandbox/candidates", url.Values{"first_name": {"Sven"}, "last_name": {"Staged"}, "email": {"sven.staged@example.com"}, "job_id": {"12345"}, "stage_id": {"71412"}}, nil)
	o := b.until("order", func(st sandbox.State) bool { return len(st.Orders) == 1 && st.Orders[0].State == sandbox.OrderSent }).Orders[0]
	sent := b.trellis.got(&b.trellis.sent)[0]["candidate"].(map[string]any)
	if o.Person.Email != "sven.staged@example.com" || sent["greenhouse_profile_url"] != b.url+"/people/17690001?application_id=26240001" {
		t.Errorf("sent %v", sent)
	}
}

// The page of the partner's consent may lead back to Trellis, and nowhere else.
func TestConsentPage(t *testing.T) {
	t.Parallel()
	b := newBundle(t, withAccount)
	q := url.Values{"response_type": {"code"}, "client_id": {"trellis-2"}, "redirect_uri": {b.trellis.server.URL + "/oauth/callback"}, "scope": {"harvest:jobs:list"}, "state": {`"><b>`}}
	resp, err := http.Get(b.url + "/oauth/authorize?" + q.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, _ := io.ReadAll(resp.Body)
	if !strings.Contains(resp.Header.Get("Content-Security-Policy"), "form-action 'self' "+b.trellis.server.URL+";") || !strings.Contains(string(page), "Rita Recruiter, site admin") || strings.Contains(string(page), "<b>") {
		t.Errorf("%s\n%s", resp.Header, page)
	}
	q.Set("redirect_uri", "https://elsewhere.example.com/")
	if status, _ := b.get("/oauth/authorize?" + q.Encode()); status != http.StatusBadRequest {
		t.Errorf("elsewhere: %d", status)
	}
}

// The web hooks of the options are configured, and pinged, when it runs.
func TestRunConfiguresHooks(t *testing.T) {
	t.Parallel()
	pinged := make(chan string, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		pinged <- string(body)
	}))
	defer receiver.Close()
	box, err := sandbox.New(sandbox.Options{
		Listen: "127.0.0.1:0", TrellisURL: "http://127.0.0.1:1", PartnerKey: "k", EngineToken: "t",
		Hooks: []account.HookInput{{URL: "nowhere"}, {Name: "Trellis", URL: receiver.URL, Secret: "s", All: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- box.Run(ctx) }()
	if got := <-pinged; !strings.Contains(got, `"action":"ping"`) {
		t.Errorf("got %s", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
