package sandbox

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// callbackPath is that of the real Greenhouse (facts/greenhouse.md 1.5).
const callbackPath = "/integrations/testing_partners/take_home_tests/"

const (
	apiPath  = "/api/greenhouse/"
	maxPolls = 8 * 7 * 24 // hourly for 8 weeks (facts/greenhouse.md 1.7)
)

// greenhouse describes a call of Greenhouse to Trellis.
func (s *Sandbox) greenhouse(number int, method, path string) outgoing {
	return outgoing{number: number, who: "Greenhouse", method: method, url: s.o.TrellisURL + apiPath + path, key: s.o.PartnerKey, accept: "application/json"}
}

// refreshTests asks which tests there are, as Greenhouse does when a stage is configured.
func (s *Sandbox) refreshTests(ctx context.Context) {
	r, err := s.call(ctx, s.greenhouse(0, http.MethodGet, "list-tests"))
	if err != nil || !r.ok() {
		return
	}
	tests, problems := checkTests(r.body)
	if len(problems) > 0 {
		s.respondError(ctx, complaint{call: "list_tests", errors: problems})
		return
	}
	s.book.change(func() { s.book.tests = tests })
}

// sendTest is the recruiter's button. It returns the order after Trellis answered.
func (s *Sandbox) sendTest(ctx context.Context, p Person, t Test) Order {
	o := s.book.open(p, t, s.o.PublicURL)
	out := s.greenhouse(o.Number, http.MethodPost, "send-test")
	out.json = s.sendTestBody(o)
	r, err := s.call(ctx, out)
	state, id := OrderRefused, ""
	if err == nil && r.ok() {
		var problems []string
		if id, problems = checkSent(r.body); len(problems) == 0 {
			state = OrderSent
		} else {
			s.respondError(ctx, complaint{call: "send_test", errors: problems, order: &o})
		}
	}
	s.book.update(o.Number, func(o *Order) { o.State, o.InterviewID = state, id })
	if state == OrderSent {
		s.follow(o.Number)
	}
	sent, _ := s.book.order(o.Number)
	return sent
}

// sendTestBody has all properties, null where a value is absent (facts/greenhouse.md 1.3).
func (s *Sandbox) sendTestBody(o Order) map[string]any {
	p := o.Person
	profile := s.o.PublicURL + "/people/" + strconv.Itoa(p.ID) + "?application_id=" + strconv.Itoa(p.ApplicationID)
	return map[string]any{
		"partner_test_id": o.TestID,
		"candidate": map[string]any{
			"first_name": p.FirstName, "last_name": p.LastName, "preferred_name": orNull(p.PreferredName),
			"resume_url": orNull(p.Resume), "phone_number": orNull(p.Phone), "email": p.Email, "greenhouse_profile_url": profile,
		},
		"sent_by": "recruiter@example.org",
		"url":     o.CallbackURL,
	}
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// follow starts what comes after an order: the poll and the automatic candidate.
func (s *Sandbox) follow(number int) {
	if s.o.Mode == ModePoll {
		s.background(func(ctx context.Context) { s.poll(ctx, number) })
	}
	if s.book.isAuto() {
		s.background(func(ctx context.Context) { s.beCandidate(ctx, number) })
	}
}

// poll asks for the status until it is complete, at most as often as Greenhouse would.
func (s *Sandbox) poll(ctx context.Context, number int) {
	for range maxPolls {
		if !pause(ctx, s.o.PollEvery) {
			return
		}
		s.fetchStatus(ctx, number)
		if o, ok := s.book.order(number); !ok || o.State == OrderComplete {
			return
		}
	}
	s.book.note(number, Call{Who: "Greenhouse", Whom: "Greenhouse", Note: "stopped asking, as after 8 weeks"})
}

// fetchStatus asks for the status and keeps what a valid answer says.
func (s *Sandbox) fetchStatus(ctx context.Context, number int) {
	var o Order
	if !s.book.update(number, func(kept *Order) { kept.asked++; o = kept.copy() }) {
		return
	}
	out := s.greenhouse(number, http.MethodGet, "test-status?partner_interview_id="+url.QueryEscape(o.InterviewID))
	out.unlisted = s.o.Mode == ModePoll && o.Polls > 0
	r, err := s.call(ctx, out)
	if err != nil || !r.ok() {
		s.book.update(number, func(o *Order) { o.Polls++ })
		return
	}
	status, problems := checkStatus(r.body)
	if len(problems) > 0 {
		s.respondError(ctx, complaint{call: "test_status", errors: problems, order: &o})
	}
	s.book.update(number, func(kept *Order) {
		kept.Polls++
		if len(problems) == 0 && o.asked > kept.told { // an older answer may come later
			kept.told = o.asked
			kept.take(status)
		}
	})
}

// take writes a valid status onto the scorecard.
func (o *Order) take(st status) {
	news := st.Status != o.Status || st.Score != nil && (o.Score == nil || *st.Score != *o.Score)
	o.Status, o.Score, o.ProfileURL, o.Metadata = st.Status, st.Score, st.ProfileURL, st.Metadata
	if st.Status == statusComplete {
		o.State = OrderComplete
	}
	if news {
		o.Timeline = newest(append(o.Timeline, Call{At: time.Now().UTC(), Who: "Greenhouse", Whom: "Greenhouse", Note: "scorecard: " + st.Status}), maxTimeline)
	}
}

// complaint is the body of response_error (facts/greenhouse.md 1.8).
type complaint struct {
	call   string
	errors []string
	order  *Order
}

// respondError tells Trellis that one of its answers is not valid.
func (s *Sandbox) respondError(ctx context.Context, c complaint) {
	body := map[string]any{"api_call": c.call, "errors": c.errors}
	number := 0
	if c.order != nil {
		number = c.order.Number
		body["partner_test_id"], body["partner_test_name"] = c.order.TestID, c.order.TestName
		body["candidate_email"] = c.order.Person.Email
		if c.order.InterviewID != "" {
			body["partner_interview_id"] = c.order.InterviewID
		}
	}
	out := s.greenhouse(number, http.MethodPost, "response-error")
	out.json = body
	r, err := s.call(ctx, out)
	s.book.report(number, c.errors)
	if err == nil && r.status != http.StatusOK {
		s.book.note(number, Call{Who: "Trellis", Whom: "Greenhouse", Note: "response-error must be answered 200", Bad: true})
	}
}

// callback is where Trellis tells of news: Basic with the key, no parameters,
// no body; only the status is answered, and the question comes after it
// (facts/greenhouse.md 1.7).
func (s *Sandbox) callback(w http.ResponseWriter, r *http.Request) {
	number, _ := strconv.Atoi(r.PathValue("number"))
	_, known := s.book.order(number)
	note := Call{Who: "Trellis", Whom: "Greenhouse", Method: r.Method, Path: r.URL.Path}
	if f := s.faults.take(); f.Kind != "" {
		note.Note, note.Bad = "fault: "+f.Kind, true
		s.book.note(number, note)
		s.misbehave(r.Context(), w, f)
		return
	}
	body, err := io.ReadAll(r.Body)
	switch {
	case !s.authentic(r):
		note.Status, note.Note = http.StatusUnauthorized, "wrong key"
	case !known:
		note.Status, note.Note = http.StatusNotFound, "no such test"
	case err != nil || len(body) > 0 || r.URL.RawQuery != "":
		note.Status, note.Note = http.StatusBadRequest, "a body or parameters came along"
	default:
		note.Status = http.StatusNoContent
	}
	note.Bad = note.Status >= 400
	s.book.note(number, note)
	if !note.Bad && !s.background(func(ctx context.Context) { s.fetchStatus(ctx, number) }) {
		note.Status = http.StatusServiceUnavailable
	}
	w.WriteHeader(note.Status)
}

// authentic compares in constant time.
func (s *Sandbox) authentic(r *http.Request) bool {
	user, password, ok := r.BasicAuth()
	got, want := sha256.Sum256([]byte(user)), sha256.Sum256([]byte(s.o.PartnerKey))
	return ok && password == "" && subtle.ConstantTimeCompare(got[:], want[:]) == 1
}
