package account

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// address is a typed value: an e-mail address, a phone number, a website.
type address struct {
	Value string `json:"value"`
	Type  string `json:"type,omitempty"`
}

// candidate is a person.
type candidate struct {
	record
	FirstName      string    `json:"first_name"`
	LastName       string    `json:"last_name"`
	PreferredName  *string   `json:"preferred_name"`
	Company        *string   `json:"company"`
	Title          *string   `json:"title"`
	LastActivityAt stamp     `json:"last_activity_at"`
	Private        bool      `json:"private"`
	CanEmail       bool      `json:"can_email"`
	TimeZone       *string   `json:"time_zone"`
	LinkedUserIDs  []int64   `json:"linked_user_ids"`
	Phones         []address `json:"phone_numbers"`
	Addresses      []address `json:"addresses"`
	Emails         []address `json:"email_addresses"`
	Websites       []address `json:"website_addresses"`
	SocialMedia    []address `json:"social_media_addresses"`

	values     fieldValues
	seeded     bool
	anonymized bool
}

// complete makes empty lists of those that are not there.
func (c *candidate) complete() {
	for _, l := range []*[]address{&c.Phones, &c.Addresses, &c.Emails, &c.Websites, &c.SocialMedia} {
		if *l == nil {
			*l = []address{}
		}
	}
	if c.LinkedUserIDs == nil {
		c.LinkedUserIDs = []int64{}
	}
	if c.values == nil {
		c.values = fieldValues{}
	}
}

func (c *candidate) name() string { return strings.TrimSpace(c.FirstName + " " + c.LastName) }

// email is the first one, or none.
func (c *candidate) email() string {
	if len(c.Emails) == 0 {
		return ""
	}
	return c.Emails[0].Value
}

func (c *candidate) has(email string) bool {
	return slices.ContainsFunc(c.Emails, func(a address) bool { return strings.EqualFold(a.Value, email) })
}

// shownCandidate adds what other tables hold.
type shownCandidate struct {
	*candidate
	Tags         []string              `json:"tags"`
	CustomFields map[string]shownField `json:"custom_fields"`
}

func (w *world) showCandidate(c *candidate) any {
	return shownCandidate{c, w.tagNames(c.ID), w.showFields(ownerCandidate, c.values)}
}

// sees reports whether the user may know of the candidate.
func (w *world) sees(u *user, c *candidate) bool { return !c.Private || u.seesPrivate }

func listCandidates() func(*call) answer {
	return list(listing[*candidate]{
		rows: func(w *world) []*candidate { return w.candidates.rows }, visible: (*world).sees, show: func(c *call, p *candidate) any { return c.w.showCandidate(p) },
		filters: func(w *world) filters[*candidate] {
			return filters[*candidate]{
				"last_activity_at":       dateOf(func(c *candidate) stamp { return c.LastActivityAt }),
				"custom_field_option_id": matching(func(c *candidate, option string) bool { return w.chose(c.values, option) }),
				"private":                boolOf(func(c *candidate) bool { return c.Private }),
				"email":                  matching((*candidate).has),
				"tag":                    matching(func(c *candidate, name string) bool { return slices.Contains(w.tagNames(c.ID), name) }),
			}
		},
	})
}

// candidateBody is what a POST and a PATCH have in common.
type candidateBody struct {
	FirstName     *string         `json:"first_name"`
	LastName      *string         `json:"last_name"`
	PreferredName *string         `json:"preferred_name"`
	Company       *string         `json:"company"`
	Title         *string         `json:"title"`
	Emails        []address       `json:"email_addresses"`
	Phones        []address       `json:"phone_numbers"`
	Addresses     []address       `json:"addresses"`
	Websites      []address       `json:"website_addresses"`
	SocialMedia   []address       `json:"social_media_addresses"`
	Tags          []string        `json:"tags"`
	CustomFields  []fieldInput    `json:"custom_fields"`
	IsPrivate     *bool           `json:"is_private"`
	CanEmail      *bool           `json:"can_email"`
	Application   json.RawMessage `json:"application"`
	TimeZone      *string         `json:"time_zone"`
	LinkedUserIDs []int64         `json:"linked_user_ids"`
}

// readCandidate reads and checks a body; isNew tells a POST from a PATCH.
func readCandidate(c *call, isNew bool) (candidateBody, []problem) {
	var b candidateBody
	problems := read(c.body, &b, "")
	for _, only := range []struct {
		name string
		when bool
	}{{"application", isNew}, {"time_zone", !isNew}, {"linked_user_ids", !isNew}} {
		if !only.when && has(c.body, only.name) {
			problems = append(problems, problem{only.name, "is not a property that is permitted"})
		}
	}
	problems = append(problems, needText("first_name", b.FirstName, isNew)...)
	problems = append(problems, needText("last_name", b.LastName, isNew)...)
	problems = append(problems, checkAddresses("email_addresses", b.Emails, "personal", "work", "other")...)
	problems = append(problems, checkAddresses("phone_numbers", b.Phones, "home", "work", "mobile", "skype", "other")...)
	problems = append(problems, checkAddresses("addresses", b.Addresses, "home", "work", "other")...)
	problems = append(problems, checkAddresses("website_addresses", b.Websites, "personal", "company", "portfolio", "blog", "other")...)
	problems = append(problems, checkAddresses("social_media_addresses", b.SocialMedia)...)
	for _, e := range b.Emails {
		if at := strings.IndexByte(e.Value, '@'); at < 1 || at == len(e.Value)-1 {
			problems = append(problems, problem{"email_addresses", "has a value that is not an e-mail address"})
		}
	}
	problems = append(problems, c.w.checkTags(b.Tags)...)
	return b, append(problems, c.w.checkFields(ownerCandidate, b.CustomFields)...)
}

func needText(name string, value *string, isNew bool) []problem {
	if value == nil && isNew {
		return []problem{{name, "is missing"}}
	}
	if value != nil && strings.TrimSpace(*value) == "" {
		return []problem{{name, "is empty"}}
	}
	return nil
}

// checkAddresses wants one of the types; without any, none may be named.
func checkAddresses(name string, list []address, types ...string) []problem {
	for i, a := range list {
		switch {
		case strings.TrimSpace(a.Value) == "":
			return []problem{{fmt.Sprintf("%s.%d.value", name, i), "is empty"}}
		case len(types) == 0 && a.Type != "":
			return []problem{{fmt.Sprintf("%s.%d.type", name, i), "is not a property that is permitted"}}
		case len(types) > 0 && !slices.Contains(types, a.Type):
			return []problem{{fmt.Sprintf("%s.%d.type", name, i), "must be one of: " + strings.Join(types, ", ")}}
		}
	}
	return nil
}

// put writes what the body names; collections are replaced as a whole.
func (b *candidateBody) put(w *world, c *candidate, replaceFields bool, now time.Time) {
	for to, from := range map[*string]*string{&c.FirstName: b.FirstName, &c.LastName: b.LastName} {
		if from != nil {
			*to = *from
		}
	}
	for to, from := range map[**string]*string{&c.PreferredName: b.PreferredName, &c.Company: b.Company, &c.Title: b.Title, &c.TimeZone: b.TimeZone} {
		if from != nil {
			*to = from
		}
	}
	for to, from := range map[*[]address][]address{&c.Emails: b.Emails, &c.Phones: b.Phones, &c.Addresses: b.Addresses, &c.Websites: b.Websites, &c.SocialMedia: b.SocialMedia} {
		if from != nil {
			*to = from
		}
	}
	for to, from := range map[*bool]*bool{&c.Private: b.IsPrivate, &c.CanEmail: b.CanEmail} {
		if from != nil {
			*to = *from
		}
	}
	if b.LinkedUserIDs != nil {
		c.LinkedUserIDs = b.LinkedUserIDs
	}
	if b.CustomFields != nil {
		c.values = w.putFields(ownerCandidate, c.values, b.CustomFields, replaceFields)
	}
	c.LastActivityAt = stamp(now)
	touch(c, now)
}

func createCandidate(c *call) answer {
	b, problems := readCandidate(c, true)
	var app *applicationBody
	if len(b.Application) > 0 && string(b.Application) != "null" {
		var more []problem
		app, more = readApplication(c, b.Application, "application.", false)
		problems = append(problems, more...)
	}
	if len(problems) > 0 {
		return unprocessable(problems...)
	}
	if c.w.candidates.full() || c.w.applications.full() {
		return wrong("", "the stand-in holds no more candidates")
	}
	made := &candidate{CanEmail: true}
	made.complete()
	c.w.candidates.add(made, c.now)
	b.put(c.w, made, false, c.now)
	if b.Tags != nil {
		c.w.setTags(made.ID, b.Tags, c.now)
	}
	shown := map[string]any{"application": nil}
	if app != nil {
		shown["application"] = c.w.showApplication(c.apply(made.ID, app))
	}
	shown["candidate"] = c.w.showCandidate(made)
	return created(shown)
}

func patchCandidate(c *call) answer {
	person, ok := c.w.candidates.find(c.id)
	if !ok || !c.w.sees(c.user, person) {
		return missing("Candidate", c.id)
	}
	b, problems := readCandidate(c, false)
	if len(problems) > 0 {
		return unprocessable(problems...)
	}
	b.put(c.w, person, c.a.rules.CustomFields == FieldsReplace, c.now)
	if b.Tags != nil {
		c.w.setTags(person.ID, b.Tags, c.now)
	}
	c.tell(c.candidateUpdated(person))
	return done(c.w.showCandidate(person))
}
