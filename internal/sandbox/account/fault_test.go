package account_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

// Calls are counted in fixed windows, told on each answer, one budget a client.
func TestRateWindow(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	b := newBench(t, func(o *account.Options) {
		o.Clock = clock
		o.Rules = func(r *account.Rules) { r.RateLimit, r.RateWindowMS, r.TokenLimit = 3, 10_000, 3 }
	})
	clock.advance(2500 * time.Millisecond)
	check := func(resp *http.Response, status int, remaining, retry string) {
		t.Helper()
		h := resp.Header
		got := []string{fmt.Sprint(resp.StatusCode), h.Get("X-RateLimit-Limit"), h.Get("X-RateLimit-Remaining"), h.Get("X-RateLimit-Reset"), h.Get("Retry-After")}
		if diff := cmp.Diff([]string{fmt.Sprint(status), "3", remaining, fmt.Sprint(time.Date(2026, 11, 21, 8, 0, 10, 0, time.UTC).Unix()), retry}, got); diff != "" {
			t.Error(diff)
		}
	}
	for i, call := range []struct {
		path   string
		status int
	}{{"jobs", 200}, {"nothing", 404}, {"jobs?x=1", 422}} {
		resp, _ := b.call("GET", call.path, "")
		check(resp, call.status, fmt.Sprint(2-i), "")
	}
	resp, body := b.call("POST", "candidate_tags", `{"name":"Never"}`)
	check(resp, http.StatusTooManyRequests, "0", "8")
	if !strings.Contains(body, "Too Many Requests") {
		t.Errorf("body %s", body)
	}
	_, partner := b.redeem(b.consent(nil)) // tokens and other clients have budgets of their own
	b.token = partner.Access
	b.list("jobs")
	b.token = b.as("")
	clock.advance(7500 * time.Millisecond)
	if rows := b.list("candidate_tags"); len(rows) != 2 {
		t.Errorf("a call with 429 was carried out: %v", rows)
	}
	b.as("") // the third token in this minute
	if status, _ := b.oauth("token", "sandbox-1", secret, url.Values{"grant_type": {"client_credentials"}}); status != http.StatusTooManyRequests {
		t.Errorf("the token endpoint: %d", status)
	}
	if got := b.a.Stats().TooMany; got != 2 {
		t.Errorf("%d times too many", got)
	}
}

// Each kind of fault does before or after the commit what it says, once.
func TestSingleShots(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]struct {
		status int // 0: no answer
		kept   int
	}{
		"reset_before": {0, 0}, "reset_after": {0, 1}, "timeout_after": {0, 1}, "500_before": {500, 0}, "500_after": {500, 1}, "429": {429, 0}, "slow": {201, 1},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			b.press("harvest/faults", fmt.Sprintf(`{"next":[{"endpoint":"POST candidate_tags","kind":%q}],"timeout_ms":20,"slow_ms":20,"retry_after":3}`, kind))
			b.list("candidate_tags") // another endpoint is not hit
			resp, _, err := b.try("POST", "candidate_tags", `{"name":"New"}`)
			switch {
			case want.status == 0 && err == nil:
				t.Errorf("answered %d", resp.StatusCode)
			case want.status != 0 && (err != nil || resp.StatusCode != want.status):
				t.Fatalf("got %v, %v", resp, err)
			case want.status == 429 && resp.Header.Get("Retry-After") != "3":
				t.Errorf("Retry-After %q", resp.Header.Get("Retry-After"))
			}
			if rows := b.list("candidate_tags"); len(rows) != 2+want.kept {
				t.Errorf("%d tags", len(rows))
			}
			b.want(http.StatusCreated, "POST", "candidate_tags", `{"name":"Another"}`)
			if got := b.a.Stats().Faults; !cmp.Equal(got, map[string]int{kind: 1}) {
				t.Errorf("counted %v", got)
			}
		})
	}
}

// Shots can be added one by one, and taken back.
func TestAddedShots(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.press("harvest/faults/next", `{"kind":"500_before","times":2}`)
	b.press("harvest/faults/next", `{"kind":"429","endpoint":"GET jobs"}`)
	b.want(http.StatusInternalServerError, "GET", "users", "")
	b.want(http.StatusInternalServerError, "GET", "jobs", "")
	b.want(http.StatusTooManyRequests, "GET", "jobs", "")
	b.press("harvest/faults/next", `{"kind":"500_before","times":9}`)
	b.press("harvest/faults/next", `{}`)
	b.want(http.StatusOK, "GET", "jobs", "")
	if status, _ := b.pressed("harvest/faults/next", `{"kind":"none"}`); status != http.StatusBadRequest {
		t.Errorf("unknown kind: %d", status)
	}
}

// The same seed makes the same calls fail, whatever is called between them.
func TestFaultsFollowFromTheSeed(t *testing.T) {
	t.Parallel()
	run := func(seed int, disturb bool) []int {
		b := newBench(t, nil)
		b.http.Transport.(*http.Transport).DisableKeepAlives = true // else the client itself repeats reads
		b.press("harvest/faults", fmt.Sprintf(`{"seed":%d,"rules":[
			{"probabilities":{"500_before":0.2,"429":0.2,"reset_before":0.1,"reset_after":0.1}},{"endpoint":"GET users","probabilities":{"500_before":1}}]}`, seed))
		var got []int
		for range 60 {
			if disturb {
				_, _, _ = b.try("GET", "sources", "")
			}
			status := 0
			if resp, _, err := b.try("GET", "jobs", ""); err == nil {
				status = resp.StatusCode
			}
			got = append(got, status)
		}
		b.want(http.StatusInternalServerError, "GET", "users", "")
		b.as("") // tokens are spared unless they are named
		return got
	}
	first := run(7, false)
	if diff := cmp.Diff(first, run(7, true)); diff != "" {
		t.Error(diff)
	}
	if cmp.Equal(first, run(8, false)) {
		t.Error("another seed does the same")
	}
	counts := map[int]int{}
	for _, status := range first {
		counts[status]++
	}
	for _, status := range []int{0, 200, 429, 500} {
		if counts[status] < 3 || counts[status] > 40 {
			t.Errorf("seed 7 gave %v", counts)
		}
	}
}

// A token call can be lost after the refresh token was spent.
func TestTokenFaults(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	_, first := b.redeem(b.consent(nil))
	b.press("harvest/faults", `{"next":[{"endpoint":"POST oauth/token","kind":"500_after"},{"endpoint":"POST oauth/token","kind":"429"}]}`)
	if status, _ := b.refresh(first.Refresh); status != http.StatusInternalServerError {
		t.Errorf("got %d", status)
	}
	if status, _ := b.refresh(first.Refresh); status != http.StatusTooManyRequests {
		t.Errorf("got %d", status)
	}
	if status, _ := b.refresh(first.Refresh); status != http.StatusBadRequest {
		t.Errorf("the spent token: %d", status)
	}
}

func TestBadSwitchesChangeNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	before := b.a.Rules()
	for _, press := range [][2]string{
		{"rules", `{"dates":"none"}`},
		{"rules", `{"rate_limit":0}`},
		{"rules", `{"hook_scale":2}`},
		{"rules", `{"unknown":1}`},
		{"rules", `[`},
		{"harvest/faults", `{"rules":[{"probabilities":{"500_before":0.6,"429":0.6}}]}`},
		{"harvest/faults", `{"rules":[{"probabilities":{"none":0.6}}]}`},
		{"harvest/faults", `{"rules":[{"probabilities":{"429":-1}}]}`},
		{"harvest/faults", `{"next":[{"kind":"418"}]}`},
		{"harvest/faults", `{"slow_ms":-1}`},
		{"chaos", `{"lose":1.1}`},
		{"chaos", `{"parallel":99}`},
		{"users/4001", `{"role":"king"}`},
		{"jobs/12345", `{"status":"lost"}`},
		{"organization", `{"id":0}`},
		{"candidates", `{"first_name":"A"}`},
		{"applications/26230001/move", `{"stage_id":71421}`},
		{"hooks", `{"url":"nowhere","secret":"s","all":true}`},
		{"hooks", `{"url":"http://127.0.0.1:1/","all":true}`},
		{"hooks", `{"url":"http://127.0.0.1:1/","secret":"s"}`},
		{"hooks", `{"url":"http://127.0.0.1:1/","secret":"s","actions":["candidate_hired"]}`},
	} {
		if status, body := b.pressed(press[0], press[1]); status != http.StatusBadRequest || !strings.Contains(body, "Nothing was changed") {
			t.Errorf("%v: %d %s", press, status, body)
		}
	}
	for _, path := range []string{"users/1", "jobs/1", "candidates/1/delete", "applications/1/reject", "applications/26230001/sell", "hooks/9", "hooks/9/delete"} {
		if status, _ := b.pressed(path, `{}`); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	if diff := cmp.Diff(before, b.a.Rules()); diff != "" {
		t.Error(diff)
	}
}
