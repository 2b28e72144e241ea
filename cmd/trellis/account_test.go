package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

// standIn is the stand-in Greenhouse's account, in the test's process: it lives
// on when the server is killed.
type standIn struct {
	*account.Account
	t   *testing.T
	URL string
}

// newStandIn starts one. Its rate is out of the way unless rules say otherwise.
func newStandIn(t *testing.T, o account.Options) *standIn {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewUnstartedServer(mux)
	o.PublicURL = "http://" + server.Listener.Addr().String()
	rules := o.Rules
	o.Rules = func(r *account.Rules) {
		r.RateLimit = 1_000_000
		if rules != nil {
			rules(r)
		}
	}
	a, err := account.New(o)
	if err != nil {
		t.Fatal(err)
	}
	a.Mount(mux, mux)
	server.Start()
	t.Cleanup(func() {
		a.Close()
		server.CloseClientConnections()
		server.Close()
	})
	return &standIn{Account: a, t: t, URL: o.PublicURL}
}

// settings are those of a connection that leads there, for setup.
func (at *standIn) settings() []string {
	return []string{"harvest_url=" + at.URL, "app_url=" + at.URL, "auth_url=" + at.URL + "/oauth"}
}

// press is one of the account's buttons and switches (docs/sandbox.md).
func (at *standIn) press(button string, body any) {
	at.t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		at.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(at.t.Context(), http.MethodPost, at.URL+"/sandbox/"+button, bytes.NewReader(encoded))
	if err != nil {
		at.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if a, err := send(r); err != nil || a.status != http.StatusOK {
		at.t.Fatalf("%s: %v %+v", button, err, a)
	}
}

// arrived returns who came, by e-mail address.
func (at *standIn) arrived() map[string]account.CandidateView {
	found := map[string]account.CandidateView{}
	for _, c := range at.View(10_000).Candidates {
		if !c.Seeded {
			found[c.Email] = c
		}
	}
	return found
}

// writes counts the calls that could have changed something.
func (at *standIn) writes() int {
	n := 0
	for endpoint, calls := range at.Stats().ByEndpoint {
		if !strings.HasPrefix(endpoint, http.MethodGet) && endpoint != "POST oauth/token" {
			n += calls
		}
	}
	return n
}

// newPushing starts a server whose connection leads to the account. The further
// environment makes it as impatient as the test wants.
func newPushing(t *testing.T, d database, at *standIn, env ...string) *server {
	t.Helper()
	s := prepare(t, d)
	s.beginPushing(at, env...)
	return s
}

func (s *server) beginPushing(at *standIn, env ...string) {
	s.t.Helper()
	s.env = append(s.env, env...)
	s.made = s.setup("Acme", at.settings()...)
	s.start()
	s.connect(s.made.ConnectionID, at)
	s.chooseTest()
}

func (s *server) chooseTest() {
	s.t.Helper()
	var data struct {
		Tests struct{ Nodes []struct{ ID string } }
	}
	s.graphql(s.made.AdminToken, `{ tests(first: 1) { nodes { id } } }`, nil, &data)
	s.test = data.Tests.Nodes[0].ID
}

func (s *server) connect(connection string, at *standIn) {
	s.t.Helper()
	mutate(s, "connectGreenhouseCredentials", map[string]any{
		"connectionId": connection, "clientId": at.Credentials().ClientID, "clientSecret": at.Credentials().ClientSecret,
		"actingUserId": strconv.Itoa(account.UserAdmin),
	}, "connection { id }", nil)
}

// mutate runs a mutation of the admin's that must not be refused, and decodes
// its payload. It may run while others do.
func mutate(s *server, name string, input map[string]any, shape string, payload any) {
	s.t.Helper()
	query := fmt.Sprintf(`mutation($input: %s%sInput!) { %s(input: $input) { %s userErrors { code field message } } }`,
		strings.ToUpper(name[:1]), name[1:], name, shape)
	var data map[string]json.RawMessage
	s.graphql(s.made.AdminToken, query, map[string]any{"input": input}, &data)
	var refused struct {
		UserErrors []struct{ Code, Field, Message string }
	}
	if err := json.Unmarshal(data[name], &refused); err != nil || len(refused.UserErrors) > 0 {
		s.t.Fatalf("%s: %v %s", name, err, data[name])
	}
	if payload == nil {
		return
	}
	if err := json.Unmarshal(data[name], payload); err != nil {
		s.t.Fatalf("%s: %v %s", name, err, data[name])
	}
}

// newJob makes a job that is mapped to the account's, with a rule of its own.
func (s *server) newJob(connection, name string, external, stage int, rule map[string]any) string {
	s.t.Helper()
	var made struct{ Job struct{ ID string } }
	mutate(s, "createJob", map[string]any{"name": name}, "job { id }", &made)
	mutate(s, "mapJob", map[string]any{
		"connectionId": connection, "jobId": made.Job.ID, "externalJobId": strconv.Itoa(external), "externalStageId": strconv.Itoa(stage),
	}, "jobMapping { id }", nil)
	if rule != nil {
		rule = maps.Clone(rule)
		rule["connectionId"], rule["jobId"] = connection, made.Job.ID
		mutate(s, "setPushRule", rule, "pushRule { mode }", nil)
	}
	return made.Job.ID
}

// scored makes an assessment of a candidate who has an e-mail address of that
// name, and completes it.
func (s *server) scored(job, name string, score float64) string {
	s.t.Helper()
	id := s.assess(job, name)
	s.complete(id, score)
	return id
}

func (s *server) assess(job, name string) string {
	s.t.Helper()
	var made struct{ Assessment struct{ ID string } }
	mutate(s, "createAssessment", map[string]any{
		"testId": s.test, "jobId": job, "candidate": map[string]any{"firstName": "Ada", "lastName": name, "email": address(name)},
	}, "assessment { id }", &made)
	return made.Assessment.ID
}

func address(name string) string { return strings.ToLower(name) + "@example.com" }

// push is what REST tells of one.
type push struct {
	ID, State                                           string
	FaultCode, Message, Advice                          string
	CandidateExternalID, ApplicationExternalID, Trigger string
	ProfileURL                                          string
	Steps                                               []struct {
		Kind, State, Reference, Message string
		Attempts                        int
	}
}

// integration calls an endpoint of the integration.
func (s *server) integration(method, path, body string) (answer, error) {
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.base+"/api/integrations/greenhouse/"+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Authorization", "Bearer "+s.made.AdminToken)
	return send(r)
}

// tryPush presses the button. There is one push of an assessment, so that it
// also tells how that is.
func (s *server) tryPush(connection, assessment string) (*push, error) {
	a, err := s.integration(http.MethodPost, "push/"+assessment, fmt.Sprintf(`{"connectionId":%q}`, connection))
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusAccepted {
		return nil, fmt.Errorf("%d %s", a.status, a.body)
	}
	p := &push{}
	return p, json.Unmarshal([]byte(a.body), p)
}

func (s *server) push(assessment string) *push {
	s.t.Helper()
	p, err := s.tryPush(s.made.ConnectionID, assessment)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// pushed waits until the assessment's push has a state, and returns it.
func (s *server) pushed(assessment string, states ...string) *push {
	s.t.Helper()
	var p *push
	until(s.t, fmt.Sprintf("the push to be %v", states), func() bool {
		p = s.push(assessment)
		return slices.Contains(states, p.State)
	})
	return p
}

// entries returns those of the sync log that a query finds.
func (s *server) entries(query string) (found []logEntry) {
	s.t.Helper()
	a, err := s.integration(http.MethodGet, "sync-log?"+query, "")
	if err != nil {
		s.t.Fatal(err)
	}
	var page struct{ Nodes []logEntry }
	a.into(s.t, &page)
	return page.Nodes
}

type logEntry struct{ ID, Operation, Outcome, FaultCode, Message, Advice string }

// retry presses the sync log's button for a push.
func (s *server) retry(id string) error {
	entries := s.entries("first=1&push=" + id)
	if len(entries) == 0 {
		return fmt.Errorf("the push %s has no entry in the sync log", id)
	}
	a, err := s.integration(http.MethodPost, "sync-log/"+entries[0].ID+"/retry", "")
	if err == nil && a.status != http.StatusAccepted {
		err = fmt.Errorf("%d %s", a.status, a.body)
	}
	return err
}
