package rest_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/ratelimit"
	"github.com/trellis-ats/trellis/internal/rest"
)

// noted keeps n entries in the audit log, by somebody whom a spreadsheet takes
// for a formula.
func (v *vendor) noted(n int) {
	v.t.Helper()
	v.ok(v.store.Atomically(v.t.Context(), func(tx core.Tx) error {
		for i := range n {
			err := tx.InsertAuditEntry(v.t.Context(), &core.AuditEntry{
				ID: core.NewID(core.PrefixAuditEntry), OrganizationID: v.admin.OrganizationID, Action: "test.noted", SubjectID: "tst_1",
				ActorRole: core.RoleAdmin, ActorName: `=HYPERLINK("x"), "Bö"`, At: v.clock.Now(), After: json.RawMessage(fmt.Sprintf(`{"n":%d}`, i)),
			})
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

func TestExportAsCSV(t *testing.T) {
	t.Parallel()
	v := newVendor(t, ratelimit.Budgets{})
	v.noted(1050)
	status, header, body := v.download(v.newToken(v.admin, core.RoleAdmin), "/api/exports/audit-log.csv")
	if status != http.StatusOK || header.Get("Content-Type") != "text/csv; charset=utf-8; header=present" ||
		header.Get("Content-Disposition") != `attachment; filename="audit-log.csv"` || strings.Count(body, "\r\n") != strings.Count(body, "\n") {
		t.Fatalf("%d %v", status, header)
	}
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	v.ok(err)
	seen, entries := map[string]bool{}, 0
	for _, r := range rows[1:] {
		if r[2] != "test.noted" {
			continue
		}
		entries++
		seen[r[8]] = true
		if r[6] != `'=HYPERLINK("x"), "Bö"` || r[7] != "" || r[4] != "ADMIN" {
			t.Fatalf("a row: %q", r)
		}
	}
	if strings.Join(rows[0], " ") != "id at action subjectId actorRole actorId actorName before after" || entries != 1050 || len(seen) != 1050 || !seen[`{"n":1049}`] {
		t.Errorf("%q, %d entries, %d different", rows[0], entries, len(seen))
	}
	if rows[1][2] != "organization.exported" || rows[1][8] != `{"kind":"audit-log"}` {
		t.Errorf("who took it is not noted: %q", rows[1])
	}
}

func TestExportAsJSON(t *testing.T) {
	t.Parallel()
	v := newVendor(t, ratelimit.Budgets{})
	admin := v.newToken(v.admin, core.RoleAdmin)
	for range 3 {
		v.entry(nil) // a second apart
	}
	first := v.clock.Now().Add(-2 * time.Second).Format(time.RFC3339)
	last := v.clock.Now().Format(time.RFC3339)
	for query, want := range map[string]int{"": 3, "?from=" + last: 1, "?to=" + last: 2, "?from=" + first + "&to=" + last: 2, "?from=2030-01-01T00:00:00Z": 0} {
		status, header, body := v.download(admin, "/api/exports/sync-log.json"+query)
		var rows []map[string]any
		if err := json.Unmarshal([]byte(body), &rows); err != nil || status != http.StatusOK || len(rows) != want {
			t.Errorf("%s: %d %v %s", query, status, err, body)
		}
		if want > 0 && (rows[0]["operation"] != "deliver-result" || rows[0]["pushId"] != nil || rows[0]["durationMs"] != 1500.0) {
			t.Errorf("%s: %v %v", query, header, rows[0])
		}
	}
}

func TestWhoMayExport(t *testing.T) {
	t.Parallel()
	v := newVendor(t, ratelimit.Budgets{})
	for _, kind := range []string{"audit-log.csv", "decisions.json", "sync-log.csv", "assessments.json", "candidates/cnd_00000000000000000000000000.json"} {
		for _, role := range core.TokenRoles() {
			status, _, body := v.download(v.newToken(v.admin, role), "/api/exports/"+kind)
			want := http.StatusForbidden
			if role == core.RoleAdmin {
				want = http.StatusOK
			}
			if role == core.RoleAdmin && strings.HasPrefix(kind, "candidates/") {
				want = http.StatusNotFound
			}
			if status != want {
				t.Errorf("%s by %s: %d %s", kind, role, status, body)
			}
		}
		if status, _, _ := v.download("", "/api/exports/"+kind); status != http.StatusUnauthorized {
			t.Errorf("%s by nobody: %d", kind, status)
		}
	}
}

func TestExportRefuses(t *testing.T) {
	t.Parallel()
	v := newVendor(t, ratelimit.Budgets{})
	admin := v.newToken(v.admin, core.RoleAdmin)
	for path, want := range map[string]int{
		"audit-log":                          http.StatusNotFound,
		"audit-log.xml":                      http.StatusNotFound,
		"tokens.csv":                         http.StatusNotFound,
		"candidates/x.json":                  http.StatusNotFound,
		"audit-log.csv?since=1":              http.StatusUnprocessableEntity,
		"audit-log.csv?from=yesterday":       http.StatusUnprocessableEntity,
		"audit-log.csv?from=2026-01-01":      http.StatusUnprocessableEntity,
		"audit-log.csv?to=2026-01-01T00:00Z": http.StatusUnprocessableEntity,
		"sync-log.csv?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z": http.StatusUnprocessableEntity,
	} {
		if status, _, body := v.download(admin, "/api/exports/"+path); status != want || !strings.Contains(body, `"code"`) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestExportOfACandidate(t *testing.T) {
	t.Parallel()
	v := newVendor(t, ratelimit.Budgets{})
	admin := v.newToken(v.admin, core.RoleAdmin)
	test, err := core.NewTests(v.store, v.clock).Create(t.Context(), v.admin, core.Test{Name: "T", Modality: core.ModalityChat, Traits: []core.Trait{{Key: "calm", Name: "Calm"}}}, core.Key{})
	v.ok(err)
	a, err := v.assessments.Create(t.Context(), v.admin, core.NewOrder{TestID: test.ID, Candidate: core.Candidate{FirstName: "Ada", LastName: "Example", Email: "ada@example.com"}}, core.Key{})
	v.ok(err)
	score := 82.5
	_, err = v.assessments.Complete(t.Context(), v.admin, core.Completion{AssessmentID: a.ID, Score: &score, Traits: []core.TraitCompletion{{Key: "calm", Score: 80}}})
	v.ok(err)
	corrected := 71.25
	_, err = v.assessments.Complete(t.Context(), v.admin, core.Completion{AssessmentID: a.ID, Score: &corrected})
	v.ok(err)
	v.entry(func(e *core.SyncEntry) { e.AssessmentID = a.ID })
	path := "/api/exports/candidates/" + string(a.CandidateID) + ".json"
	_, _, body := v.download(admin, path)
	for _, part := range []string{`"email": "ada@example.com"`, `"score": 82.5`, `"score": 71.25`, `"type": "assessment.ordered"`, `"operation": "deliver-result"`, `"id": "` + string(a.ID) + `"`} {
		if !json.Valid([]byte(body)) || !strings.Contains(body, part) {
			t.Errorf("%s is not in %s", part, body)
		}
	}
	if _, _, body := v.download(admin, "/api/exports/assessments.csv"); !strings.Contains(body, ",score,revision,") || !strings.Contains(body, ",71.25,2,") || strings.Contains(body, "Ada") {
		t.Errorf("the assessments: %s", body)
	}
	other := v.organization()
	if status, _, body := v.download(v.newToken(other, core.RoleAdmin), path); status != http.StatusNotFound {
		t.Errorf("another organization's: %d %s", status, body)
	}
	_, err = core.NewErasures(v.store, v.clock).EraseCandidate(t.Context(), v.admin, a.CandidateID)
	v.ok(err)
	if _, _, body := v.download(admin, path); strings.Contains(body, "Ada") || strings.Contains(body, "ada@") || !strings.Contains(body, `"score": 82.5`) {
		t.Errorf("after the erasure: %s", body)
	}
}

// parted gives pages of an audit log that a test makes.
type parted struct {
	rest.Exports
	pages iter.Seq2[[]core.AuditEntry, error]
}

func (p parted) AuditLog(context.Context, core.Actor, core.Span) (iter.Seq2[[]core.AuditEntry, error], error) {
	return p.pages, nil
}

// TestExportIsStreamed sees each page written before the next is read, and the
// connection cut when one cannot be read.
func TestExportIsStreamed(t *testing.T) {
	t.Parallel()
	v := newVendor(t, ratelimit.Budgets{})
	recorded := httptest.NewRecorder()
	v.serve(parted{pages: func(yield func([]core.AuditEntry, error) bool) {
		written := 0
		for n := range 3 {
			if !yield([]core.AuditEntry{{ID: core.ID(fmt.Sprintf("aud_%d", n))}}, nil) {
				return
			}
			if recorded.Body.Len() <= written {
				t.Errorf("page %d is held back", n)
			}
			written = recorded.Body.Len()
		}
		yield(nil, errors.New("the database is gone"))
	}})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/exports/audit-log.json", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+v.newToken(v.admin, core.RoleAdmin).Reveal())
	defer func() {
		if cause := recover(); cause != http.ErrAbortHandler { //nolint:errorlint // the documented way to compare it
			t.Errorf("the connection is not cut: %v", cause)
		}
	}()
	v.handler.ServeHTTP(recorded, r)
}

// download is call for answers that are no JSON object.
func (v *vendor) download(token core.Secret, path string) (int, http.Header, string) {
	v.t.Helper()
	r := httptest.NewRequestWithContext(v.t.Context(), http.MethodGet, path, http.NoBody)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	recorded := httptest.NewRecorder()
	v.handler.ServeHTTP(recorded, r)
	return recorded.Code, recorded.Header(), recorded.Body.String()
}
