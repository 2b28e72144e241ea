package greenhouse

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

const templatePage = 50 // templates carry their texts, and an answer has a size cap

// List implements ats.Reference with one request a page. The pages come newest
// first; stages, of which a job has few, come in their order.
// Errors: fault.Unsupported for an unknown kind; fault.Invalid without the
// parent that the kind needs; those of a read.
func (a *adapter) List(ctx context.Context, q *ats.ReferenceQuery) (*ats.ReferencePage, error) {
	h, err := a.harvest(&q.Connection)
	if err != nil {
		return &ats.ReferencePage{}, err
	}
	items, next, err := h.reference(ctx, q)
	return &ats.ReferencePage{Items: items, Next: next, Trace: h.trace()}, err
}

func (h *harvest) reference(ctx context.Context, q *ats.ReferenceQuery) ([]ats.ReferenceItem, string, error) {
	switch q.Kind {
	case ats.ReferenceJobs:
		return choices(ctx, h, q, resourceJobs, first(maxPageSize), jobItem)
	case ats.ReferenceStages:
		return h.stageItems(ctx, q)
	case ats.ReferenceUsers:
		return choices(ctx, h, q, resourceUsers, first(maxPageSize, "show_service_accounts", "true"), userItem)
	case ats.ReferenceRejectionReasons:
		return choices(ctx, h, q, resourceReasons, first(maxPageSize, "include_defaults", "true"), reasonItem)
	case ats.ReferenceEmailTemplates:
		return choices(ctx, h, q, resourceTemplates, first(templatePage), templateItem)
	case ats.ReferenceCustomFields:
		return choices(ctx, h, q, resourceFields, first(maxPageSize), fieldItem)
	case ats.ReferenceCustomFieldOptions:
		query, err := below(q, "custom_field_ids")
		if err != nil {
			return nil, "", err
		}
		return choices(ctx, h, q, resourceOptions, query, optionItem)
	case ats.ReferenceSources:
		return choices(ctx, h, q, resourceSources, first(maxPageSize), sourceItem)
	case ats.ReferenceTags:
		return choices(ctx, h, q, resourceTags, first(maxPageSize), tagItem)
	default:
		return nil, "", fault.New(fault.Unsupported, "The Greenhouse adapter has no list of %s.", presentable(string(q.Kind)))
	}
}

// choices lists one page. An item that is no choice is left out.
func choices[T any](ctx context.Context, h *harvest, q *ats.ReferenceQuery, from resource, query url.Values, item func(T) (ats.ReferenceItem, bool)) ([]ats.ReferenceItem, string, error) {
	if q.Cursor != "" {
		query = page(q.Cursor)
	}
	rows, next, err := list[T](ctx, h, from, query)
	if err != nil {
		return nil, "", err
	}
	items := make([]ats.ReferenceItem, 0, len(rows))
	for _, row := range rows {
		if i, ok := item(row); ok && i.ID != "" {
			items = append(items, i)
		}
	}
	return items, next, nil
}

// below is the query for the children of the parent.
func below(q *ats.ReferenceQuery, filter string) (url.Values, error) {
	if _, err := numeric("parentId", q.Parent); err != nil {
		return nil, err
	}
	return first(maxPageSize, filter, q.Parent), nil
}

// stageItems sorts a job's stages: Greenhouse lists by id, people by sort_order.
func (h *harvest) stageItems(ctx context.Context, q *ats.ReferenceQuery) ([]ats.ReferenceItem, string, error) {
	query, err := below(q, jobsFilter)
	if err != nil {
		return nil, "", err
	}
	items, next, err := choices(ctx, h, q, resourceStages, query, stageItem)
	slices.SortStableFunc(items, func(a, b ats.ReferenceItem) int { return a.Order - b.Order })
	return items, next, err
}

func jobItem(j job) (ats.ReferenceItem, bool) {
	return ats.ReferenceItem{
		ID: string(j.ID), Name: j.Name, Active: j.Status != jobClosed,
		Details: details("status", j.Status, "requisition_id", j.RequisitionID, "confidential", flag(j.Confidential)),
	}, !j.Template
}

func stageItem(s stage) (ats.ReferenceItem, bool) {
	return ats.ReferenceItem{ID: string(s.ID), Name: s.Name, Parent: string(s.JobID), Order: max(s.Order, 0), Active: s.Active}, true
}

func userItem(u user) (ats.ReferenceItem, bool) {
	return ats.ReferenceItem{
		ID: string(u.ID), Name: u.Name, Active: !u.Deactivated,
		Details: details("email", u.Email, "site_admin", strconv.FormatBool(u.SiteAdmin)),
	}, true
}

// rejectionReason is a reason; its type says who rejected whom.
type rejectionReason struct {
	ID   identifier `json:"id"`
	Name string     `json:"name"`
	Type struct {
		Key  string `json:"key"`
		Name string `json:"name"`
	} `json:"type"`
}

func reasonItem(r rejectionReason) (ats.ReferenceItem, bool) {
	return ats.ReferenceItem{ID: string(r.ID), Name: r.Name, Active: true, Details: details("kind", r.Type.Key, "group", r.Type.Name)}, true
}

// rejectionTemplate is the type of templates that go with a rejection
// (facts/greenhouse.md 4.8).
const rejectionTemplate = "candidate_rejection"

// emailTemplate is a template.
type emailTemplate struct {
	ID      identifier `json:"id"`
	Name    string     `json:"name"`
	Type    string     `json:"email_type"`
	Default bool       `json:"default"`
	UserID  identifier `json:"user_id"`
}

// templateItem lists what a rejection can be sent with: templates of that type
// that are the organization's, and nobody's own (facts/greenhouse.md 4.6).
func templateItem(t emailTemplate) (ats.ReferenceItem, bool) {
	return ats.ReferenceItem{
		ID: string(t.ID), Name: t.Name, Active: true, Details: details("kind", t.Type, "default", flag(t.Default)),
	}, t.Type == rejectionTemplate && t.UserID == ""
}

// fieldItem lists the fields that feedback can be written to; their id is for
// the options, their key for the mapping.
func fieldItem(f customField) (ats.ReferenceItem, bool) {
	owner := strings.ToUpper(f.FieldType)
	fits := owner == string(ats.OwnerCandidate) || owner == string(ats.OwnerApplication)
	return ats.ReferenceItem{
		ID: string(f.ID), Name: f.Name, Order: max(f.Order, 0), Active: f.Active,
		Details: details("owner", owner, "type", f.ValueType, "key", f.NameKey, ats.DetailTakes, takes(f.ValueType)),
	}, fits && f.NameKey != ""
}

func optionItem(o customOption) (ats.ReferenceItem, bool) {
	return ats.ReferenceItem{ID: string(o.ID), Name: o.Name, Parent: string(o.FieldID), Order: max(o.Order, 0), Active: o.Active}, true
}

// source is where a candidate came from.
type source struct {
	ID   identifier `json:"id"`
	Name string     `json:"name"`
	Type struct {
		Name string `json:"name"`
	} `json:"type"`
}

func sourceItem(s source) (ats.ReferenceItem, bool) {
	return ats.ReferenceItem{ID: string(s.ID), Name: s.Name, Active: true, Details: details("kind", s.Type.Name)}, true
}

func tagItem(t tag) (ats.ReferenceItem, bool) {
	return ats.ReferenceItem{ID: string(t.ID), Name: t.Name, Active: true}, true
}

// details are facts by name, without the empty ones.
func details(pairs ...string) map[string]string {
	facts := map[string]string{}
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			facts[pair[0]] = pair[1]
		}
	}
	return facts
}

// flag is "true", or nothing.
func flag(set bool) string {
	if !set {
		return ""
	}
	return fmt.Sprint(set)
}
