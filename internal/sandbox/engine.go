package sandbox

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

const (
	engineAttempts = 6
	engineBackoff  = 500 * time.Millisecond
)

// seat is what brought a candidate to the engine.
type seat struct {
	Assessment string
	Token      string
	order      int // in whose timeline the calls are written; 0: none
}

// engine is where the candidate lands after consent.
func (s *Sandbox) engine(w http.ResponseWriter, r *http.Request) {
	at := seat{Assessment: r.URL.Query().Get("assessment"), Token: r.URL.Query().Get("token")}
	if at.Assessment == "" {
		http.Error(w, "The address lacks the assessment.", http.StatusBadRequest)
		return
	}
	s.pages.write(w, "engine", at)
}

// take is the button on the engine's page.
func (s *Sandbox) take(w http.ResponseWriter, r *http.Request) {
	at := seat{Assessment: r.PostFormValue("assessment"), Token: r.PostFormValue("token")}
	if at.Assessment == "" {
		http.Error(w, "The form lacks the assessment.", http.StatusBadRequest)
		return
	}
	if !s.sitDown(at) {
		http.Error(w, "The engine is busy; try again.", http.StatusServiceUnavailable)
		return
	}
	http.Redirect(w, r, "/engine/done?assessment="+url.QueryEscape(at.Assessment), http.StatusSeeOther)
}

func (s *Sandbox) engineDone(w http.ResponseWriter, r *http.Request) {
	s.pages.write(w, "done", seat{Assessment: r.URL.Query().Get("assessment")})
}

// sitDown starts a sitting unless one is under way for the same assessment.
func (s *Sandbox) sitDown(at seat) bool {
	if !s.book.sit(at.Assessment) {
		return true
	}
	if o, ok := s.book.byInterview(at.Assessment); ok {
		at.order = o.Number
	}
	started := s.background(func(ctx context.Context) {
		defer s.book.rise(at.Assessment)
		s.sitting(ctx, at)
	})
	if !started {
		s.book.rise(at.Assessment)
	}
	return started
}

// sitting reports the start, lets the pretended candidate take the time and
// reports the result.
func (s *Sandbox) sitting(ctx context.Context, at seat) {
	start := map[string]any{"assessmentId": at.Assessment}
	if at.Token != "" {
		start["launchToken"] = at.Token
	}
	if !s.mutate(ctx, at, "StartAssessment", "startAssessment", start) || !pause(ctx, s.o.Pace) {
		return
	}
	s.mutate(ctx, at, "CompleteAssessment", "completeAssessment", s.scoreFor(at).input(at.Assessment))
}

// scoreFor is the same each time for the same candidate.
func (s *Sandbox) scoreFor(at seat) performance {
	if o, ok := s.book.byInterview(at.Assessment); ok {
		return perform(o.Person.Email, o.Person.talent)
	}
	return perform(at.Assessment, 0)
}

// mutate calls a mutation until it is answered; a refusal is an answer. It
// reports whether the mutation was done.
func (s *Sandbox) mutate(ctx context.Context, at seat, name, field string, input map[string]any) bool {
	query := "mutation(" + "$input: " + name + "Input!){" + field + "(input:$input){assessment{id status} userErrors{code field message}}}"
	wait := engineBackoff
	for range engineAttempts {
		r, err := s.call(ctx, outgoing{
			number: at.order, who: "Engine", method: http.MethodPost, url: s.o.TrellisURL + "/graphql", bearer: s.o.EngineToken,
			accept: "application/json", json: map[string]any{"query": query, "variables": map[string]any{"input": input}},
		})
		if err == nil && r.status < 500 && r.status != http.StatusTooManyRequests {
			problem := refusal(r, field)
			s.book.note(at.order, Call{Who: "Engine", Whom: "Engine", Note: either(problem, field+" was accepted"), Bad: problem != ""})
			return problem == ""
		}
		if !pause(ctx, wait) {
			return false
		}
		wait *= 2
	}
	s.book.note(at.order, Call{Who: "Engine", Whom: "Engine", Note: "gave up on " + field, Bad: true})
	return false
}

// refusal returns why a mutation was not done, or "".
func refusal(r *reply, field string) string {
	type problem struct{ Code, Field, Message string }
	var answer struct {
		Data map[string]*struct {
			UserErrors []problem
		}
		Errors []problem
	}
	if err := json.Unmarshal(r.body, &answer); err != nil {
		return "the answer to " + field + " is no JSON"
	}
	problems := answer.Errors
	payload := answer.Data[field]
	if payload != nil {
		problems = append(problems, payload.UserErrors...)
	}
	switch {
	case len(problems) > 0:
		return problems[0].Message
	case payload == nil || !r.ok():
		return field + " was not answered"
	default:
		return ""
	}
}
