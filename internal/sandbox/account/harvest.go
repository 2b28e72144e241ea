package account

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const maxBody = 16 << 20

// endpoint is one of Harvest v3. Its scope is the only one that it needs.
type endpoint struct {
	method, path, scope string
	serve               func(*call) answer
}

// name is how faults and statistics call it: "POST candidates".
func (e endpoint) name() string { return e.method + " " + e.path }

// call is a request that was let in, with the account's lock held.
type call struct {
	a      *Account
	w      *world
	r      *http.Request
	body   []byte
	id     int64 // of the path
	user   *user
	now    time.Time
	placed []Placed // who must be told after the lock
}

// tell sends an event to the web hooks that want it.
func (c *call) tell(e event) { c.a.hooks.tell(e, c.now) }

// mayList: reads are for site admins (facts/greenhouse.md 4.1); the others were
// refused before, or see nothing.
func (c *call) mayList() bool { return c.user.SiteAdmin }

func endpoints() []endpoint {
	return []endpoint{
		{"GET", "candidates", "candidates:list", listCandidates()},
		{"POST", "candidates", "candidates:create", createCandidate},
		{"PATCH", "candidates/{id}", "candidates:update", patchCandidate},
		{"DELETE", "candidates/{id}", "candidates:destroy", deleteCandidate},
		{"POST", "candidates/{id}/merge", "candidates:merge", mergeCandidate},
		{"PATCH", "candidates/{id}/anonymize", "candidates:anonymize", anonymizeCandidate},
		{"GET", "applications", "applications:list", listApplications()},
		{"POST", "applications", "applications:create", createApplication},
		{"PATCH", "applications/{id}", "applications:update", patchApplication},
		{"DELETE", "applications/{id}", "applications:destroy", deleteApplication},
		{"POST", "applications/{id}/move", "applications:move", moveApplication},
		{"POST", "applications/{id}/reject", "applications:reject", rejectApplication},
		{"POST", "applications/{id}/unreject", "applications:unreject", unrejectApplication},
		{"POST", "applications/{id}/hire", "applications:hire", hireApplication},
		{"GET", "application_stages", "application_stages:list", listApplicationStages()},
		{"GET", "job_interview_stages", "job_interview_stages:list", listStages()},
		{"GET", "job_interviews", "job_interviews:list", listInterviews()},
		{"GET", "attachments", "attachments:list", listAttachments()},
		{"POST", "attachments", "attachments:create", createAttachment},
		{"GET", "notes", "notes:list", listNotes()},
		{"POST", "notes", "notes:create", createNote},
		{"GET", "candidate_tags", "candidate_tags:list", listTags()},
		{"POST", "candidate_tags", "candidate_tags:create", createTag},
		{"GET", "applied_candidate_tags", "applied_candidate_tags:list", listAppliedTags()},
		{"POST", "applied_candidate_tags", "applied_candidate_tags:create", applyTag},
		{"DELETE", "applied_candidate_tags/{id}", "applied_candidate_tags:destroy", removeTag},
		{"GET", "custom_fields", "custom_fields:list", listFields()},
		{"GET", "custom_field_options", "custom_field_options:list", listFieldOptions()},
		{"GET", "users", "users:list", listUsers()},
		{"GET", "user_roles", "user_roles:list", listRoles()},
		{"GET", "jobs", "jobs:list", listJobs()},
		{"GET", "openings", "openings:list", listOpenings()},
		{"GET", "rejection_reasons", "rejection_reasons:list", listReasons()},
		{"GET", "rejection_details", "rejection_details:list", listRejections()},
		{"PATCH", "rejection_details/{id}", "rejection_details:update", patchRejection},
		{"GET", "email_templates", "email_templates:list", listTemplates()},
		{"GET", "sources", "sources:list", listSources()},
		{"GET", "referrers", "referrers:list", listReferrers()},
		{"GET", "scorecards", "scorecards:list", listScorecards()},
		{"POST", "scorecards", "scorecards:create", createScorecard},
	}
}

const scopePrefix = "harvest:"

// scopes are all that a client may have; what is restricted must be granted.
func scopes() []string {
	var all []string
	for _, e := range endpoints() {
		if e.scope != restricted {
			all = append(all, scopePrefix+e.scope)
		}
	}
	return all
}

const restricted = "scorecards:create"

// harvestMux routes before it asks for a token, as the real one does.
func (a *Account) harvestMux() http.Handler {
	mux := http.NewServeMux()
	for _, e := range endpoints() {
		mux.HandleFunc(e.method+" /v3/"+e.path, func(w http.ResponseWriter, r *http.Request) { a.harvest(w, r, e) })
	}
	mux.HandleFunc("/v3/", func(w http.ResponseWriter, r *http.Request) {
		a.harvest(w, r, endpoint{method: r.Method, path: "unknown", serve: nil})
	})
	return mux
}

// harvest answers one call: first the rate, then the faults of before, then
// the call itself, then the faults of after.
func (a *Account) harvest(w http.ResponseWriter, r *http.Request, e endpoint) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		answer{status: http.StatusRequestEntityTooLarge, body: failure{Message: "Payload Too Large"}}.write(w)
		return
	}
	shot, result, placed := a.serve(w.Header(), r, e, body)
	for _, p := range placed {
		a.o.Entered(p)
	}
	a.o.Changed()
	a.finish(w, r, shot, result)
}

// serve does all that happens under the lock. The whole of a call is committed
// or nothing of it.
func (a *Account) serve(h http.Header, r *http.Request, e endpoint, body []byte) (shot, answer, []Placed) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.clock.Now()
	token := a.oauth.bearer(r.Header.Get("Authorization"), now)
	s, result, placed := a.answerTo(h, r, e, body, token, now)
	a.stats.count(e.name(), s, result.status)
	return s, result, placed
}

func (a *Account) answerTo(h http.Header, r *http.Request, e endpoint, body []byte, token *accessToken, now time.Time) (shot, answer, []Placed) {
	if over := a.window(token.client(), a.rules.RateLimit, a.rules.RateWindowMS, now).take(h, now); over {
		return shot{}, tooMany(), nil
	}
	if e.serve == nil {
		return shot{}, answer{status: http.StatusNotFound, body: failure{Message: "Resource not found"}}, nil
	}
	s := a.faults.draw(e.name())
	switch s.kind {
	case faultResetBefore:
		return s, answer{}, nil
	case faultErrorBefore:
		return s, answer{status: http.StatusInternalServerError, body: failure{Message: "Internal Server Error"}}, nil
	case faultTooMany:
		h.Set("Retry-After", strconv.Itoa(s.retryAfter))
		return s, tooMany(), nil
	}
	c := &call{a: a, w: a.world, r: r, body: body, now: now}
	if refused := c.admit(e, token); refused != nil {
		return s, *refused, nil
	}
	result := e.serve(c)
	if result.next != "" {
		h.Set("Link", "<"+a.o.PublicURL+r.URL.Path+"?cursor="+result.next+`>; rel="next"`)
	}
	return s, result, c.placed
}

// admit checks token, scope and user; nil lets the call in.
func (c *call) admit(e endpoint, token *accessToken) *answer {
	refuse := func(a answer) *answer { return &a }
	if token == nil {
		return refuse(unauthorized())
	}
	scope := scopePrefix + e.scope
	if !slices.Contains(c.a.oauth.effective(token), scope) {
		return refuse(forbidden("The token lacks the scope " + scope))
	}
	u, ok := c.w.users.find(token.sub)
	if !ok || u.Deactivated || u.role == roleBasic && e.method != http.MethodGet {
		return refuse(forbidden("The user may not do this"))
	}
	c.user = u
	if e.method == http.MethodGet && !u.SiteAdmin && c.a.rules.NonAdminReads == ReadsForbidden {
		return refuse(forbidden("Only site admins may read"))
	}
	if raw := c.r.PathValue("id"); raw != "" {
		n, err := strconv.ParseInt(raw, 10, 64)
		if err != nil {
			return refuse(answer{status: http.StatusNotFound, body: failure{"Resource not found", []problem{{"", "No record has this id"}}}})
		}
		c.id = n
	}
	if e.method != http.MethodGet && c.r.URL.RawQuery != "" {
		return refuse(unprocessable(problem{"", "Invalid query params: " + strings.Join(sortedKeys(c.r.URL.Query()), ", ")}))
	}
	return nil
}

func tooMany() answer {
	return answer{status: http.StatusTooManyRequests, body: failure{Message: "Too Many Requests"}}
}
