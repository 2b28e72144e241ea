package greenhouse_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/plugins/sdk/sdktest"
)

// granted is an introspection with all scopes that Trellis asks for, less some.
func granted(t *testing.T, a sdktest.Client, less ...string) []said {
	t.Helper()
	page, err := a.Begin(t.Context(), &ats.ConsentRequest{Connection: newStand(t, nil).partner(a, "scorecards", "restricted")})
	if err != nil {
		t.Fatal(err)
	}
	_, scopes, _ := strings.Cut(page.URL, "&scope=")
	scopes, _, _ = strings.Cut(scopes, "&")
	scopes = strings.NewReplacer("%3A", ":", "+", " ").Replace(scopes)
	for _, scope := range less {
		scopes = strings.Replace(scopes, scope, "", 1)
	}
	return ok(strings.Replace(introspected, "harvest:candidates:list harvest:jobs:list", scopes, 1))
}

// plain is an introspection of somebody who is no Site Admin.
func plain(answers []said) []said {
	return ok(strings.Replace(answers[0].body, `"user_role":"site_admin"`, `"user_role":"basic"`, 1))
}

func admin(site bool) []said {
	if site {
		return ok(`[{"id":4001,"site_admin":true,"deactivated":false}]`)
	}
	return ok(`[{"id":4001,"site_admin":false,"deactivated":false}]`)
}

func TestCheckHarvest(t *testing.T) {
	t.Parallel()
	a := patient(t)
	everything := []ats.CapabilityName{"AUTHORIZATION", "CANDIDATES", "APPLICATIONS", "REFERENCE", "FIELDS", "ATTACHMENTS", "NOTES", "TAGS"}
	skewed := said{body: admin(true)[0].body, header: []string{"Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}}
	tests := map[string]struct {
		settings []string
		script   map[string][]said
		missing  []string
		off      []ats.CapabilityName // besides SCORECARDS
		bad      string               // the check that fails
		says     string
	}{
		"all well":        {nil, map[string][]said{"POST /oauth/introspect": granted(t, a), "GET /v3/users": admin(true)}, nil, nil, "", ""},
		"not connected":   {[]string{"auth_mode", "none"}, nil, nil, everything, "", ""},
		"a revoked token": {nil, map[string][]said{"POST /oauth/introspect": ok(`{"active":false}`)}, nil, everything[1:], "Harvest", "not active"},
		"a wrong secret":  {nil, map[string][]said{"POST /oauth/introspect": {{status: 401, body: `{"error":"invalid_client"}`}}}, nil, everything[1:], "Harvest", "revoked"},
		"fields without their scope": {
			nil,
			map[string][]said{"POST /oauth/introspect": granted(t, a, "harvest:candidates:update"), "GET /v3/users": admin(true)},
			[]string{"harvest:candidates:update"},
			[]ats.CapabilityName{"FIELDS"},
			"Scopes", "harvest:candidates:update",
		},
		"two scopes": {
			nil,
			map[string][]said{"POST /oauth/introspect": granted(t, a, "harvest:notes:create", "harvest:jobs:list"), "GET /v3/users": admin(true)},
			[]string{"harvest:jobs:list", "harvest:notes:create"},
			[]ats.CapabilityName{"CANDIDATES", "REFERENCE", "NOTES"},
			"Scopes", "harvest:jobs:list, harvest:notes:create",
		},
		"a part only": {
			nil,
			map[string][]said{"POST /oauth/introspect": granted(t, a, "harvest:applications:reject"), "GET /v3/users": admin(true)},
			[]string{"harvest:applications:reject"},
			nil, "Scopes", "harvest:applications:reject",
		},
		"no Site Admin":        {nil, map[string][]said{"POST /oauth/introspect": plain(granted(t, a)), "GET /v3/users": admin(false)}, nil, everything[1:], "Acting user", "Site Admin"},
		"a service account":    {nil, map[string][]said{"POST /oauth/introspect": granted(t, a), "GET /v3/users": admin(false)}, nil, nil, "", ""},
		"a Site Admin by row":  {nil, map[string][]said{"POST /oauth/introspect": plain(granted(t, a)), "GET /v3/users": admin(true)}, nil, nil, "", ""},
		"no Site Admin, 403":   {nil, map[string][]said{"POST /oauth/introspect": granted(t, a), "GET /v3/users": {{status: 403}}}, nil, everything[1:], "Acting user", "Site Admin"},
		"no Site Admin, empty": {nil, map[string][]said{"POST /oauth/introspect": granted(t, a), "GET /v3/users": ok("[]")}, nil, everything[1:], "Acting user", "Site Admin"},
		"a deactivated user":   {nil, map[string][]said{"POST /oauth/introspect": granted(t, a), "GET /v3/users": ok(`[{"id":4001,"site_admin":true,"deactivated":true}]`)}, nil, everything[1:], "Acting user", "deactivated"},
		"Greenhouse is down":   {nil, map[string][]said{"POST /oauth/introspect": granted(t, a), "GET /v3/users": {{status: 503}}}, nil, nil, "Acting user", "503"},
		"nobody can tell now":  {nil, map[string][]said{"POST /oauth/introspect": {{status: 503}}}, nil, nil, "Harvest", ""},
		"another hour":         {nil, map[string][]said{"POST /oauth/introspect": granted(t, a), "GET /v3/users": {skewed}}, nil, nil, "Clock", "apart"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := patient(t)
			s := newStand(t, tt.script)
			c := s.connected(a, tt.settings...)
			c.Secrets[ats.SecretWebhook] = hookSecret
			report, err := a.CheckConnection(t.Context(), &c)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.missing, report.Missing); diff != "" {
				t.Error(diff)
			}
			for _, check := range report.Checks {
				if check.OK == (check.Name == tt.bad) || check.Name == tt.bad && !strings.Contains(check.Message, tt.says) {
					t.Errorf("%+v", check)
				}
			}
			var off []ats.CapabilityName
			for _, capability := range report.Capabilities {
				if capability.Name == ats.CapabilityScorecards {
					continue
				}
				if !capability.Available {
					off = append(off, capability.Name)
				}
				if !capability.Available && len(capability.Reasons) == 0 {
					t.Errorf("%s is off without a reason", capability.Name)
				}
			}
			if diff := cmp.Diff(tt.off, off); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheckWithoutAToken(t *testing.T) {
	t.Parallel()
	a := patient(t)
	s := newStand(t, nil)
	c := s.connected(a)
	delete(c.Secrets, ats.SecretAccessToken)
	report, err := a.CheckConnection(t.Context(), &c)
	if err != nil || len(s.requests()) != 0 {
		t.Fatal(report, err)
	}
	for _, capability := range report.Capabilities {
		if capability.Name == ats.CapabilityNotes && (capability.Available || !strings.Contains(capability.Reasons[0], "no Harvest token")) {
			t.Errorf("%+v", capability)
		}
	}
}

func TestCheckTellsWhoWeAre(t *testing.T) {
	t.Parallel()
	a := patient(t)
	s := newStand(t, map[string][]said{"POST /oauth/introspect": granted(t, a), "GET /v3/users": {{body: `[{"id":4001,"name":"Rita Recruiter","site_admin":true}]`, header: []string{"Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)}}}})
	c := s.connected(a)
	report, err := a.CheckConnection(t.Context(), &c)
	if err != nil || report.Account != "9" || report.Identity != "Example Inc, user 4001" || len(report.Exchanges) != 2 {
		t.Errorf("got %+v, %v", report, err)
	}
	if d := report.ClockSkew; d > -59*time.Minute || d < -61*time.Minute {
		t.Errorf("skew %s", d)
	}
	if got := s.requests()[1]; got.Query != "ids=4001&per_page=1&show_service_accounts=true" {
		t.Errorf("asked %+v", got)
	}
	if strings.Contains(report.Exchanges[1].ResponseBody, "Rita") {
		t.Error("a name is kept")
	}
}

// Scorecards need both: the setting that says so, and the scope.
func TestScorecardsAreOffUnlessGranted(t *testing.T) {
	t.Parallel()
	a := patient(t)
	tests := map[string]struct {
		setting string
		less    []string
		want    bool
		says    string
	}{
		"off":        {"off", nil, false, "no public endpoint"},
		"restricted": {"restricted", nil, true, ""},
		"not given":  {"restricted", []string{"harvest:scorecards:create"}, false, "harvest:scorecards:create"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, map[string][]said{"POST /oauth/introspect": granted(t, a, tt.less...), "GET /v3/users": admin(true)})
			c := s.connected(a, "scorecards", tt.setting)
			report, err := a.CheckConnection(t.Context(), &c)
			if err != nil {
				t.Fatal(err)
			}
			last := report.Capabilities[len(report.Capabilities)-1]
			if last.Name != ats.CapabilityScorecards || last.Available != tt.want || !strings.Contains(strings.Join(last.Reasons, " "), tt.says) {
				t.Errorf("got %+v", last)
			}
			if last.Constraints["recommendation_DEFINITELY_NOT"] != "strong_no" || last.Constraints["recommendation_MIXED"] != "no_decision" {
				t.Errorf("constraints %v", last.Constraints)
			}
		})
	}
}
