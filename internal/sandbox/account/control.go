package account

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
)

// mountControls adds the buttons. Each takes JSON or a form. Errors are 400
// and 404 in words.
func (a *Account) mountControls(mux *http.ServeMux) {
	mux.HandleFunc("GET /sandbox/account", func(w http.ResponseWriter, _ *http.Request) { give(w, a.View(maxShown)) })
	mux.HandleFunc("GET /sandbox/stats", func(w http.ResponseWriter, _ *http.Request) { give(w, a.Stats()) })
	mux.HandleFunc("GET /sandbox/rules", func(w http.ResponseWriter, _ *http.Request) { give(w, a.Rules()) })
	mux.HandleFunc("POST /sandbox/rules", a.control(a.setRules))
	mux.HandleFunc("GET /sandbox/harvest/faults", func(w http.ResponseWriter, _ *http.Request) { give(w, a.Faults()) })
	mux.HandleFunc("POST /sandbox/harvest/faults", a.control(a.setFaults))
	mux.HandleFunc("POST /sandbox/harvest/faults/next", a.control(a.addShot))
	mux.HandleFunc("POST /sandbox/clients/{name}", a.control(a.changeClient))
	mux.HandleFunc("POST /sandbox/users/{id}", a.control(a.changeUser))
	mux.HandleFunc("POST /sandbox/jobs/{id}", a.control(a.changeJob))
	mux.HandleFunc("POST /sandbox/organization", a.control(a.changeOrganization))
	mux.HandleFunc("POST /sandbox/candidates", a.control(a.arrive))
	mux.HandleFunc("POST /sandbox/candidates/{id}/{action}", a.control(a.candidateButton))
	mux.HandleFunc("POST /sandbox/applications/{id}/{action}", a.control(a.applicationButton))
	mux.HandleFunc("GET /sandbox/hooks", func(w http.ResponseWriter, _ *http.Request) { give(w, a.hooks.shown()) })
	mux.HandleFunc("POST /sandbox/hooks", a.control(a.saveHook))
	mux.HandleFunc("POST /sandbox/hooks/{id}", a.control(a.saveHook))
	mux.HandleFunc("POST /sandbox/hooks/{id}/delete", a.control(a.deleteHook))
	mux.HandleFunc("GET /sandbox/deliveries", func(w http.ResponseWriter, _ *http.Request) { give(w, a.hooks.deliveries(maxHistory)) })
	mux.HandleFunc("GET /sandbox/chaos", func(w http.ResponseWriter, _ *http.Request) { give(w, a.hooks.chaosNow()) })
	mux.HandleFunc("POST /sandbox/chaos", a.control(a.setChaos))
}

var errNone = errors.New("there is no such thing here")

// control answers a button: a form with the page, a program with JSON.
func (a *Account) control(press func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		made, err := press(r)
		a.o.Changed()
		switch {
		case errors.Is(err, errNone):
			http.Error(w, "There is no such thing here.", http.StatusNotFound)
		case err != nil:
			http.Error(w, "Nothing was changed: "+err.Error()+".", http.StatusBadRequest)
		case strings.Contains(r.Header.Get("Accept"), "text/html"):
			http.Redirect(w, r, "/"+place(r), http.StatusSeeOther)
		default:
			give(w, made)
		}
	}
}

// place is where on the page a button was pressed.
func place(r *http.Request) string {
	kind, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/sandbox/"), "/")
	switch id := number(r.PathValue("id")); {
	case kind == "hooks", kind == "chaos":
		return "#hooks"
	case id == 0 || r.PathValue("action") == "delete":
		return "#pushed"
	default:
		return "#" + strings.TrimSuffix(kind, "s") + "-" + text(id)
	}
}

func give(w http.ResponseWriter, v any) { answer{status: http.StatusOK, body: v}.write(w) }

// input reads JSON, or a form, into a struct. Unknown names are errors.
func input(r *http.Request, to any) error {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		d := json.NewDecoder(r.Body)
		d.DisallowUnknownFields()
		if err := d.Decode(to); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("the body cannot be read: %w", err)
		}
		return nil
	}
	if err := r.ParseForm(); err != nil {
		return fmt.Errorf("the form cannot be read: %w", err)
	}
	values := map[string]json.RawMessage{}
	for name, list := range r.PostForm {
		if list[0] != "" {
			values[name] = formValue(reflect.TypeOf(to).Elem(), name, list)
		}
	}
	encoded, err := json.Marshal(values)
	if err == nil {
		err = json.Unmarshal(encoded, to)
	}
	return err
}

// formValue writes a form's text as the JSON that its field wants.
func formValue(t reflect.Type, name string, list []string) json.RawMessage {
	kind := reflect.Invalid
	for i := range t.NumField() {
		if nameOf(t.Field(i)) == name {
			kind = t.Field(i).Type.Kind()
		}
	}
	var v any = list[0]
	switch {
	case kind == reflect.Slice:
		v = list
	case kind != reflect.String && json.Valid([]byte(list[0])):
		return json.RawMessage(list[0])
	}
	encoded, _ := json.Marshal(v) // text can be encoded
	return encoded
}

// Rules returns those that hold now.
func (a *Account) Rules() Rules {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.rules
}

func (a *Account) setRules(r *http.Request) (any, error) {
	next := a.Rules()
	if err := input(r, &next); err != nil {
		return nil, err
	}
	if err := next.check(); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rules = next
	clear(a.windows)
	a.hooks.setScale(next.HookScale)
	return next, nil
}

// Faults returns what is left of the scenario.
func (a *Account) Faults() Scenario {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.faults.now.clone()
}

// setFaults begins a scenario; an empty one ends all faults.
func (a *Account) setFaults(r *http.Request) (any, error) {
	var s Scenario
	if err := input(r, &s); err != nil {
		return nil, err
	}
	if err := s.complete(); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = faults{now: s.clone()}
	return s, nil
}

// addShot makes the next calls fail, beside the scenario that is set; an empty
// kind takes all shots back.
func (a *Account) addShot(r *http.Request) (any, error) {
	var n Shot
	if err := input(r, &n); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	next := a.faults.now.clone()
	next.Next = append(next.Next, n)
	if n.Kind == "" {
		next.Next = nil
	}
	if err := next.complete(); err != nil {
		return nil, err
	}
	a.faults.now = next
	return next.clone().Next, nil
}

func (a *Account) changeClient(r *http.Request) (any, error) {
	var b ClientChange
	if err := input(r, &b); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	c, ok := a.oauth.clients[r.PathValue("name")]
	if !ok {
		return nil, errNone
	}
	if _, ok := a.world.users.find(b.User); b.User != 0 && !ok {
		return nil, errors.New("there is no such user")
	}
	if err := a.oauth.change(c, b, scopes()); err != nil {
		return nil, err
	}
	return map[string]any{"client_id": c.id, "scopes": c.scopes}, nil
}

func (a *Account) changeUser(r *http.Request) (any, error) {
	var b struct {
		Role        string `json:"role"` // site_admin, job_admin, basic
		Deactivated *bool  `json:"deactivated"`
		SeesPrivate *bool  `json:"sees_private"`
	}
	if err := input(r, &b); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	u, ok := a.world.users.find(number(r.PathValue("id")))
	if !ok {
		return nil, errNone
	}
	switch b.Role {
	case "":
	case roleSiteAdmin, roleJobAdmin, roleBasic:
		u.role, u.SiteAdmin = b.Role, b.Role == roleSiteAdmin
	default:
		return nil, fmt.Errorf("role must be %s, %s or %s", roleSiteAdmin, roleJobAdmin, roleBasic)
	}
	for to, from := range map[*bool]*bool{&u.Deactivated: b.Deactivated, &u.seesPrivate: b.SeesPrivate} {
		if from != nil {
			*to = *from
		}
	}
	touch(u, a.clock.Now())
	return u, nil
}

func (a *Account) changeJob(r *http.Request) (any, error) {
	var b struct {
		Status       string  `json:"status"`
		Confidential *bool   `json:"confidential"`
		Team         []int64 `json:"team"`
	}
	if err := input(r, &b); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	j, ok := a.world.jobs.find(number(r.PathValue("id")))
	if !ok {
		return nil, errNone
	}
	switch b.Status {
	case "":
	case jobOpen, jobClosed, "draft":
		j.Status = b.Status
	default:
		return nil, errors.New("status must be open, draft or closed")
	}
	if b.Confidential != nil {
		j.Confidential = *b.Confidential
	}
	if b.Team != nil {
		j.team = b.Team
	}
	touch(j, a.clock.Now())
	return j, nil
}

// changeOrganization makes it look as if somebody connected to another one.
func (a *Account) changeOrganization(r *http.Request) (any, error) {
	var b struct {
		ID int64 `json:"id"`
	}
	if err := input(r, &b); err != nil {
		return nil, err
	}
	if b.ID < 1 {
		return nil, errors.New("id must be a positive number")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.world.organization = b.ID
	return b, nil
}

func (a *Account) saveHook(r *http.Request) (any, error) {
	id := number(r.PathValue("id"))
	in, ok := a.hooks.input(id)
	if id != 0 && !ok {
		return nil, errNone
	}
	if err := input(r, &in); err != nil {
		return nil, err
	}
	return a.hooks.save(r.Context(), id, in, a.Rules().PingSigned)
}

func (a *Account) deleteHook(r *http.Request) (any, error) {
	if !a.hooks.remove(number(r.PathValue("id"))) {
		return nil, errNone
	}
	return map[string]bool{"deleted": true}, nil
}

func (a *Account) setChaos(r *http.Request) (any, error) {
	var c Chaos
	if err := input(r, &c); err != nil {
		return nil, err
	}
	if err := c.complete(); err != nil {
		return nil, err
	}
	a.hooks.setChaos(c)
	return c, nil
}
