package main

import (
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
)

// erasedTraces are what must not be found anywhere of a person who was erased.
func erasedTraces() []string { return []string{"zerlina", "quux", "555-0177"} }

func tracesIn(text string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(erasedTraces(), func(trace string) bool { return strings.Contains(text, trace) })
}

// databaseTraces returns every value of every table of a server's database that
// holds a trace, River's tables too.
func (s *server) databaseTraces(address string) []string {
	s.t.Helper()
	tables := "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
	if address == "" {
		tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
	}
	db := s.openDatabase(address)
	defer func() { _ = db.Close() }()
	var names, found []string
	if err := db.SelectContext(s.t.Context(), &names, tables); err != nil || len(names) < 30 {
		s.t.Fatalf("%d tables: %v", len(names), err)
	}
	for _, table := range names {
		found = append(found, s.tableTraces(db, table)...)
	}
	return found
}

// openDatabase opens a server's database beside it.
func (s *server) openDatabase(address string) *sqlx.DB {
	s.t.Helper()
	driver := "postgres"
	if address == "" {
		driver, address = "sqlite", "file:"+filepath.Join(s.dataDir(), "trellis.db")+"?_pragma=busy_timeout(10000)"
	}
	db, err := sqlx.Open(driver, address)
	if err != nil {
		s.t.Fatal(err)
	}
	return db
}

func (s *server) tableTraces(db *sqlx.DB, table string) (found []string) {
	s.t.Helper()
	rows, err := db.QueryxContext(s.t.Context(), `SELECT * FROM "`+table+`"`) //nolint:sqlclosecheck // it is, below
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		s.t.Fatal(err)
	}
	for rows.Next() {
		values, err := rows.SliceScan()
		if err != nil {
			s.t.Fatal(err)
		}
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			if text := fmt.Sprint(v); tracesIn(text) {
				found = append(found, table+"."+columns[i]+": "+text)
			}
		}
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return found
}

// zerlina is somebody who leaves something everywhere.
type zerlina struct {
	*hooked
	box                 string
	person, application string   // in the ATS
	reports             []string // addresses that lead to a report
}

// TestDeletedCandidateLeavesNoTrace has somebody assessed, pushed, ordered
// again by the ATS, scored there and refused, and deletes her in the ATS.
func TestDeletedCandidateLeavesNoTrace(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		address := d.url(t)
		s := prepare(t, database{url: func(*testing.T) string { return address }})
		s.made = s.setup("Acme Sales", "callback_hosts=127.0.0.1")
		s.keepDemo()
		s.env = append(s.env, "TRELLIS_LOG_LEVEL=debug")
		z := &zerlina{hooked: &hooked{server: s}}
		z.box = launchDemo(t, s, freeAddress(t))
		z.test = z.firstTest(z.made.PartnerKey)
		z.isPushed()
		z.isOrdered()
		before := s.databaseTraces(address)
		for _, table := range []string{"candidates.", "results.report", "sync_log.", "events.data", "assessments.", "ats_people."} {
			if !slices.ContainsFunc(before, func(v string) bool { return strings.HasPrefix(v, table) }) {
				t.Errorf("the search finds nothing in %s: the test proves nothing about it", table)
			}
		}
		if page := z.shown(z.reports[0]); !tracesIn(page) {
			t.Errorf("the report does not name her: %s", page)
		}
		post(t, z.box+"/sandbox/candidates/"+z.person+"/delete", nil)
		until(t, "the erasure", func() bool { return z.erased() })
		z.leftNothing(address)
	})
}

// isPushed has her assessed by the vendor and pushed.
func (z *zerlina) isPushed() {
	z.t.Helper()
	job := z.pushedJob()
	var made struct {
		CreateAssessment struct{ Assessment struct{ ID string } }
	}
	z.graphql(z.made.AdminToken, `mutation($input: CreateAssessmentInput!) { createAssessment(input: $input) { assessment { id } } }`, map[string]any{"input": map[string]any{
		"testId": z.test, "jobId": job, "idempotencyKey": "once",
		"candidate": map[string]any{"firstName": "Zerlina", "lastName": "Quux", "preferredName": "Zerlina", "email": "zerlina.quux@example.com", "phone": "+1 555-0177"},
	}}, &made)
	z.isScored(made.CreateAssessment.Assessment.ID)
	until(z.t, "the push", func() bool {
		var data struct {
			Pushes struct {
				Nodes []struct{ State, CandidateExternalID, ApplicationExternalID string }
			}
		}
		z.graphql(z.made.AdminToken, `{ pushes { nodes { state candidateExternalId applicationExternalId } } }`, nil, &data)
		if len(data.Pushes.Nodes) != 1 || data.Pushes.Nodes[0].State != "DONE" {
			return false
		}
		z.person, z.application = data.Pushes.Nodes[0].CandidateExternalID, data.Pushes.Nodes[0].ApplicationExternalID
		return true
	})
}

// pushedJob waits for the job whose results the demo pushes by itself.
func (z *zerlina) pushedJob() (job string) {
	z.t.Helper()
	until(z.t, "the job", func() bool {
		var data struct {
			PushRules []struct {
				Mode string
				Job  *struct{ ID string }
			}
			JobMappings struct{ Nodes []struct{ ID string } }
		}
		z.graphql(z.made.AdminToken, `query($id: ID!) { pushRules(connectionId: $id) { mode job { id } } jobMappings { nodes { id } } }`, map[string]any{"id": z.made.ConnectionID}, &data)
		for _, r := range data.PushRules {
			if r.Mode == "ON_COMPLETE" && r.Job != nil {
				job = r.Job.ID
			}
		}
		return job != "" && len(data.JobMappings.Nodes) == 2
	})
	return job
}

// isScored reports a result that names her.
func (z *zerlina) isScored(id string) {
	z.t.Helper()
	var data struct {
		CompleteAssessment struct {
			Assessment struct{ ID string }
			UserErrors []struct{ Message string }
		}
	}
	z.graphql(z.made.EngineToken, `mutation($input: CompleteAssessmentInput!) { completeAssessment(input: $input) { assessment { id } userErrors { message } } }`, map[string]any{"input": map[string]any{
		"assessmentId": id, "score": 81, "report": map[string]any{
			"summary": "Zerlina did well.", "transcript": []map[string]any{{"speaker": "Zerlina Quux", "text": "I am Zerlina.", "at": 1}},
		},
	}}, &data)
	if len(data.CompleteAssessment.UserErrors) > 0 {
		z.t.Fatal(data)
	}
	var shown struct{ Assessment struct{ ReportURL string } }
	z.graphql(z.made.AdminToken, `query($id: ID!) { assessment(id: $id) { reportUrl } }`, map[string]any{"id": id}, &shown)
	z.reports = append(z.reports, shown.Assessment.ReportURL)
}

// isOrdered has the ATS order two tests for her: one is scored, could not be
// told, and complained of; the other is open. Then it is stopped by somebody
// who says why.
func (z *zerlina) isOrdered() {
	z.t.Helper()
	named := strings.NewReplacer("people/17?application_id=26", "people/"+z.person+"?application_id="+z.application,
		"Ada", "Zerlina", "Example", "Quux", "ada@example.com", "zerlina.quux@example.com")
	send := func(callback string) string {
		a := z.ats(http.MethodPost, "send-test", z.made.PartnerKey, named.Replace(order(z.test, callback)))
		var placed map[string]string
		a.into(z.t, &placed)
		return placed["partner_interview_id"]
	}
	scored, stopped := send("http://127.0.0.1:1/zerlina-quux/1"), send("http://127.0.0.1:1/zerlina-quux/2")
	open := send("http://127.0.0.1:1/zerlina-quux/3")
	z.isScored(scored)
	var data any
	z.graphql(z.made.AdminToken, `mutation($id: ID!) { cancelAssessment(input: {assessmentId: $id, reason: "Zerlina wrote that she has a job."}) { userErrors { code } } }`, map[string]any{"id": stopped}, &data)
	complaint := fmt.Sprintf(`{"api_call":"test_status","errors":["Zerlina Quux has no score"],"partner_test_id":%q,"partner_test_name":"T","partner_interview_id":%q,"candidate_email":"zerlina.quux@example.com"}`, z.test, scored)
	if a := z.ats(http.MethodPost, "response-error", z.made.PartnerKey, complaint); a.status != http.StatusOK {
		z.t.Errorf("response-error: %d %s", a.status, a.body)
	}
	until(z.t, "the invitation", func() bool {
		var asked struct{ Assessment struct{ Status string } }
		z.graphql(z.made.AdminToken, `query($id: ID!) { assessment(id: $id) { status } }`, map[string]any{"id": open}, &asked)
		return asked.Assessment.Status == "INVITED" && tracesIn(fmt.Sprint(z.mails()))
	})
}

// erased reports whether the register tells of it.
func (z *zerlina) erased() bool {
	var data struct {
		Erasures struct{ Nodes []struct{ Cause string } }
	}
	z.graphql(z.made.AdminToken, `{ erasures { nodes { cause } } }`, nil, &data)
	return len(data.Erasures.Nodes) > 0
}

// shown follows a report's address and returns what it shows, the PDF's text
// left aside.
func (z *zerlina) shown(address string) string {
	z.t.Helper()
	a := z.get(address)
	if to := a.header.Get("Location"); to != "" {
		base, err := url.Parse(address)
		if err != nil {
			z.t.Fatal(err)
		}
		next, err := base.Parse(to)
		if err != nil {
			z.t.Fatal(err)
		}
		a = z.get(next.String())
	}
	return a.body
}

// leftNothing searches the database, the log, the mails, reports and every list.
func (z *zerlina) leftNothing(address string) {
	z.t.Helper()
	if left := z.databaseTraces(address); len(left) > 0 {
		z.t.Errorf("the database holds\n%s", strings.Join(left, "\n"))
	}
	db := z.openDatabase(address)
	defer func() { _ = db.Close() }()
	var sealed int
	if err := db.GetContext(z.t.Context(), &sealed, "SELECT count(*) FROM webhooks WHERE length(sealed_request) > 0"); err != nil || sealed > 0 {
		z.t.Errorf("%d web hooks are kept under seal: %v", sealed, err) // there was nobody else
	}
	for _, report := range z.reports {
		if page := z.shown(report); tracesIn(page) {
			z.t.Errorf("the report shows %s", page)
		}
	}
	if mails := fmt.Sprint(z.mails()); tracesIn(mails) {
		z.t.Errorf("the mailbox holds %s", mails)
	}
	for line := range strings.Lines(z.logged()) {
		if tracesIn(line) {
			z.t.Errorf("the log tells %s", line)
		}
	}
	// What was under way when she was erased has had its time by then.
	settled := time.Now().Add(2 * time.Second)
	until(z.t, "what was under way", func() bool { return time.Now().After(settled) })
	if left := z.databaseTraces(address); len(left) > 0 {
		z.t.Errorf("later the database holds\n%s", strings.Join(left, "\n"))
	}
}
