package account

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// press runs a change as the recruiter, with the same rules as the API's.
func (a *Account) press(id int64, body any, do func(*call) answer) (any, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	c := &call{a: a, w: a.world, body: encoded, id: id, now: a.clock.Now()}
	c.user, _ = a.world.users.find(UserAdmin)
	result := do(c)
	shown, _ := json.Marshal(result.body) // now, under the lock
	a.mu.Unlock()
	for _, p := range c.placed {
		a.o.Entered(p)
	}
	switch {
	case result.status == http.StatusNotFound:
		return nil, errNone
	case result.status >= http.StatusBadRequest:
		return nil, errors.New(string(shown))
	case result.body == nil:
		return map[string]bool{"done": true}, nil
	}
	return json.RawMessage(shown), nil
}

// arrive is a candidate who applies by themselves.
func (a *Account) arrive(r *http.Request) (any, error) {
	var b struct {
		First string `json:"first_name"`
		Last  string `json:"last_name"`
		Email string `json:"email"`
		Job   int64  `json:"job_id"`
		Stage int64  `json:"stage_id"` // default: the first
	}
	if err := input(r, &b); err != nil {
		return nil, err
	}
	app := map[string]any{"job_id": b.Job}
	if b.Stage != 0 {
		app["initial_stage_id"] = b.Stage
	}
	return a.press(0, map[string]any{
		"first_name": b.First, "last_name": b.Last, "email_addresses": []address{{Value: b.Email, Type: "personal"}}, "application": app,
	}, createCandidate)
}

func (a *Account) candidateButton(r *http.Request) (any, error) {
	var b struct {
		Into   int64    `json:"into"`   // merge: who stays
		Fields []string `json:"fields"` // anonymize: default all
	}
	if err := input(r, &b); err != nil {
		return nil, err
	}
	id := number(r.PathValue("id"))
	switch r.PathValue("action") {
	case "delete":
		return a.press(id, nil, deleteCandidate)
	case "anonymize":
		if b.Fields == nil {
			b.Fields = anonymizable()
		}
		return a.press(id, map[string]any{"fields": b.Fields}, anonymizeCandidate)
	case "merge":
		return a.press(b.Into, map[string]any{"secondary_candidate_id": id}, mergeCandidate)
	default:
		return nil, errNone
	}
}

func (a *Account) applicationButton(r *http.Request) (any, error) {
	var b struct {
		Reason int64  `json:"reason_id"` // reject; default: below the threshold
		Notes  string `json:"notes"`
		Stage  int64  `json:"stage_id"`  // move; default: the next
		Job    int64  `json:"job_id"`    // move: onto another job
		Source int64  `json:"source_id"` // update; default: a referral
	}
	if err := input(r, &b); err != nil {
		return nil, err
	}
	id := number(r.PathValue("id"))
	switch action := r.PathValue("action"); action {
	case "reject":
		return a.press(id, nil, func(c *call) answer { return c.rejectButton(either(b.Reason, ReasonThreshold), b.Notes) })
	case "unreject":
		return a.press(id, struct{}{}, unrejectApplication)
	case "move":
		return a.press(id, nil, func(c *call) answer { return c.moveButton(b.Stage, b.Job) })
	case "hire":
		return a.press(id, nil, func(c *call) answer { return c.hireButton() })
	case "unhire":
		return a.press(id, nil, unhireApplication)
	case "update":
		return a.press(id, map[string]any{"source_id": either(b.Source, 26)}, patchApplication)
	case "delete":
		return a.press(id, nil, deleteApplication)
	default:
		return nil, fmt.Errorf("%w: %s", errNone, action)
	}
}

func either(n, otherwise int64) int64 {
	if n != 0 {
		return n
	}
	return otherwise
}

func (c *call) rejectButton(reason int64, notes string) answer {
	a, gone := c.application()
	if gone != nil {
		return *gone
	}
	if _, ok := c.w.reasons.find(reason); !ok {
		return wrong("reason_id", "does not exist")
	}
	return c.reject(a, reason, notes, nil)
}

func (c *call) moveButton(stage, job int64) answer {
	a, gone := c.application()
	switch {
	case gone != nil:
		return *gone
	case a.Status != stateInProcess || a.Prospect:
		return wrong("", "The application is not active")
	case job != 0:
		return c.transfer(a, job)
	case stage != 0:
		return c.moveTo(a, &stage)
	}
	return c.moveTo(a, nil)
}

// hireButton takes the first opening that is open.
func (c *call) hireButton() answer {
	a, gone := c.application()
	if gone != nil {
		return *gone
	}
	open := c.w.openingsOf(id(a.JobID))
	if a.Status != stateInProcess || len(open) == 0 {
		return wrong("", "The application is not active, or its job has no open opening")
	}
	c.hire(a, open[0])
	return nothing()
}
