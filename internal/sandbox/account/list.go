package account

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	maxPage     = 500
	defaultPage = 100
	maxIDs      = 50 // of ids, of each *_ids and of fields
)

// listing is a resource that can be listed.
type listing[R row] struct {
	rows    func(*world) []R
	filters func(*world) filters[R]
	visible func(*world, *user, R) bool // nil: to each site admin
	show    func(*call, R) any          // nil: as it is
	hidden  func(R) bool                // left out unless the parameter unhide is true
	unhide  string
}

// cursor is where a scan goes on; to callers it is opaque.
type cursor struct {
	Resource string              `json:"r"`
	Query    map[string][]string `json:"q"`
	Before   int64               `json:"b"`
}

func (c cursor) String() string {
	encoded, _ := json.Marshal(c) // never fails
	return base64.RawURLEncoding.EncodeToString(encoded)
}

// list serves a resource by the rules of facts/greenhouse.md 4.2.
func list[R row](l listing[R]) func(*call) answer {
	return func(c *call) answer {
		query, before, problems := position(c)
		if len(problems) > 0 {
			return unprocessable(problems...)
		}
		keep, problems := l.parse(c, query)
		page, fields, more := pageSize(query)
		if problems = append(problems, more...); len(problems) > 0 {
			return unprocessable(problems...)
		}
		if !c.mayList() {
			return done([]any{})
		}
		return l.page(c, query, keep, before, page, fields)
	}
}

// position is the query, that of the first page if a cursor travels.
func position(c *call) (url.Values, int64, []problem) {
	query := c.r.URL.Query()
	if !query.Has("cursor") {
		return query, 0, nil
	}
	if len(query) > 1 {
		return nil, 0, []problem{{"", "When passing a cursor, do not include other query params."}}
	}
	var at cursor
	raw, err := base64.RawURLEncoding.DecodeString(query.Get("cursor"))
	if err != nil || json.Unmarshal(raw, &at) != nil || at.Resource != c.r.URL.Path {
		return nil, 0, []problem{{"cursor", "is invalid"}}
	}
	return at.Query, at.Before, nil
}

// parse turns the query's filters into one test.
func (l listing[R]) parse(c *call, query url.Values) (func(R) bool, []problem) {
	known := l.known(c.w)
	var tests []func(R) bool
	var problems []problem
	var strange []string
	seen := map[string]bool{}
	for _, name := range sortedKeys(query) {
		if name == "per_page" || name == "fields" || name == l.unhide {
			continue
		}
		field, value, dated := dateParameter(name, query.Get(name), c.a.rules.Dates)
		f, ok := known[field]
		if !ok || dated != f.date {
			strange = append(strange, name)
			continue
		}
		seen[field] = true
		test, why := f.parse(value)
		if why != "" {
			problems = append(problems, problem{name, why})
			continue
		}
		tests = append(tests, test)
	}
	if len(strange) > 0 {
		problems = append(problems, problem{"", "Invalid query params: " + strings.Join(strange, ", ")})
	}
	if seen["created_at"] && seen["updated_at"] {
		problems = append(problems, problem{"", "created_at and updated_at cannot be combined"})
	}
	if l.hidden != nil && query.Get(l.unhide) != "true" {
		tests = append(tests, func(r R) bool { return !l.hidden(r) })
	}
	return func(r R) bool {
		return !slices.ContainsFunc(tests, func(test func(R) bool) bool { return !test(r) })
	}, problems
}

// known are the resource's filters and those that all have.
func (l listing[R]) known(w *world) filters[R] {
	known := filters[R]{}
	if l.filters != nil {
		known = l.filters(w)
	}
	known["ids"] = idsOf(func(r R) int64 { return r.head().ID })
	known["created_at"] = dateOf(func(r R) stamp { return r.head().CreatedAt })
	known["updated_at"] = dateOf(func(r R) stamp { return r.head().UpdatedAt })
	return known
}

// pageSize reads per_page and fields.
func pageSize(query url.Values) (int, []string, []problem) {
	page, fields := defaultPage, []string(nil)
	var problems []problem
	if query.Has("per_page") {
		n, err := strconv.Atoi(query.Get("per_page"))
		switch {
		case err != nil:
			problems = append(problems, problem{"per_page", "is not an integer"})
		case n > maxPage:
			problems = append(problems, problem{"per_page", fmt.Sprintf("`%d` number is greater than: %d", n, maxPage)})
		case n < 1:
			problems = append(problems, problem{"per_page", fmt.Sprintf("`%d` number is less than: 1", n)})
		}
		page = n
	}
	if query.Has("fields") {
		fields = strings.Split(query.Get("fields"), ",")
		if len(fields) > maxIDs {
			problems = append(problems, problem{"fields", fmt.Sprintf("has more than %d names", maxIDs)})
		}
	}
	return page, fields, problems
}

// page walks from the newest row and stops after a page.
func (l listing[R]) page(c *call, query url.Values, keep func(R) bool, before int64, size int, fields []string) answer {
	found := make([]any, 0, min(size, defaultPage))
	last := int64(0)
	for _, r := range slices.Backward(l.rows(c.w)) {
		id := r.head().ID
		if before > 0 && id >= before || !keep(r) || l.visible != nil && !l.visible(c.w, c.user, r) {
			continue
		}
		if len(found) == size {
			return answer{status: 200, body: found, next: cursor{c.r.URL.Path, query, last}.String()}
		}
		shown, problems := pick(l.shown(c, r), fields)
		if len(problems) > 0 {
			return unprocessable(problems...)
		}
		found, last = append(found, shown), id
	}
	return done(found)
}

func (l listing[R]) shown(c *call, r R) any {
	if l.show == nil {
		return r
	}
	return l.show(c, r)
}

// pick leaves only the named fields.
func pick(row any, fields []string) (any, []problem) {
	if len(fields) == 0 {
		encoded, err := json.Marshal(row) // now, under the lock
		if err != nil {
			return nil, []problem{{"", err.Error()}}
		}
		return json.RawMessage(encoded), nil
	}
	encoded, _ := json.Marshal(row) // rows can be encoded
	all, picked := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	_ = json.Unmarshal(encoded, &all) // and are objects
	for _, name := range fields {
		value, ok := all[name]
		if !ok {
			return nil, []problem{{"fields", name + " is not a field"}}
		}
		picked[name] = value
	}
	return picked, nil
}
