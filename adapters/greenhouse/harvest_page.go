package greenhouse

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

const (
	maxIDs       = 50 // of an ids or *_ids filter; facts/greenhouse.md 4.2
	maxPageSize  = 500
	maxScanPages = 20 // looked through before something is appended
)

// resource is a list endpoint below /v3/.
type resource string

// The resources that are read.
const (
	resourceCandidates   resource = "candidates"
	resourceApplications resource = "applications"
	resourceStageRows    resource = "application_stages"
	resourceJobs         resource = "jobs"
	resourceStages       resource = "job_interview_stages"
	resourceUsers        resource = "users"
	resourceReasons      resource = "rejection_reasons"
	resourceTemplates    resource = "email_templates"
	resourceFields       resource = "custom_fields"
	resourceOptions      resource = "custom_field_options"
	resourceSources      resource = "sources"
	resourceTags         resource = "candidate_tags"
	resourceAppliedTags  resource = "applied_candidate_tags"
	resourceNotes        resource = "notes"
	resourceAttachments  resource = "attachments"
	resourceScorecards   resource = "scorecards"
	cursorParameter               = "cursor"
	perPageParameter              = "per_page"
	identifiersFilter             = "ids"
	applicationsFilter            = "application_ids"
	candidatesFilter              = "candidate_ids"
	jobsFilter                    = "job_ids"
)

// list reads one page: a bare array, newest first (facts/greenhouse.md 4.2).
// next is the cursor of the page after it, empty on the last.
func list[T any](ctx context.Context, h *harvest, from resource, query url.Values) (items []T, next string, err error) {
	c := call{method: http.MethodGet, path: string(from), query: query, scope: scopeOf(from, "list")}
	header, err := h.do(ctx, c, &items)
	if err != nil {
		return nil, "", err
	}
	next, err = h.next(header)
	return items, next, err
}

// scan reads page after page until visit says stop. New rows appear on the
// first page only, so that a scan misses none that was there when it began.
// Errors: fault.Conflict of Kind "TOO_MANY" after maxScanPages pages.
func scan[T any](ctx context.Context, h *harvest, from resource, query url.Values, visit func(T) (stop bool)) error {
	for range maxScanPages {
		items, next, err := list[T](ctx, h, from, query)
		if err != nil {
			return err
		}
		for _, item := range items {
			if visit(item) {
				return nil
			}
		}
		if next == "" {
			return nil
		}
		query = page(next)
	}
	e := answered(fault.Conflict, 0, "Greenhouse has more than %d pages of %s here; not all could be looked at. Nothing was written.", maxScanPages, from)
	e.Kind = "TOO_MANY"
	return e
}

// page is the query of a later page: the cursor travels alone.
func page(cursor string) url.Values { return url.Values{cursorParameter: {cursor}} }

// first is the query of a first page, with filters as pairs of name and value.
func first(size int, filters ...string) url.Values {
	q := url.Values{perPageParameter: {strconv.Itoa(size)}}
	for pair := range slices.Chunk(filters, 2) {
		q.Set(pair[0], pair[1])
	}
	return q
}

// since is a filter "at or after", in the spelling that the connection uses.
func (h *harvest) since(name string, at time.Time) (filter, value string) {
	moment := at.UTC().Format(time.RFC3339)
	if setting(h.c, settingDateFilters, datesPipe) == datesBracket {
		return name + "[gte]", moment
	}
	return name, "gte|" + moment
}

// next reads the cursor from
// Link: <https://harvest.greenhouse.io/v3/jobs?cursor=…>; rel="next".
// Only the cursor is taken, and only from an address at the same host: the
// token never goes elsewhere.
func (h *harvest) next(header http.Header) (string, error) {
	for rest := strings.Join(header.Values("Link"), ","); rest != ""; {
		_, link, _ := strings.Cut(rest, "<") // a comma may be in an address, too
		address, after, ok := strings.Cut(link, ">")
		if !ok {
			return "", answered(fault.Upstream, 0, "Greenhouse's list of pages cannot be read. It was not followed.")
		}
		parameters, _, _ := strings.Cut(after, ",")
		_, rest, _ = strings.Cut(after, ",")
		if !relatesToNext(parameters) {
			continue
		}
		u, err := url.Parse(address)
		if err != nil || u.Host != "" && !strings.EqualFold(u.Host, h.base.Host) || u.Query().Get(cursorParameter) == "" {
			return "", answered(fault.Upstream, 0, "Greenhouse names a next page that is not on its own host or has no cursor. It was not followed.")
		}
		return u.Query().Get(cursorParameter), nil
	}
	return "", nil
}

func relatesToNext(parameters string) bool {
	for _, p := range strings.Split(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(name, "rel") && strings.Trim(value, `"`) == "next" {
			return true
		}
	}
	return false
}
