package coretest

import (
	"context"
	"strconv"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// List implements ats.Reference.
func (a *ATS) List(ctx context.Context, q *ats.ReferenceQuery) (*ats.ReferencePage, error) {
	return perform(ctx, a, OpList, &q.Connection, func(p *ats.ReferencePage) error {
		all, err := a.choices(q)
		if err != nil {
			return err
		}
		p.Items, p.Next, err = page(all, q.Cursor, a.pageSize())
		return err
	})
}

func (a *ATS) choices(q *ats.ReferenceQuery) ([]ats.ReferenceItem, error) {
	switch q.Kind {
	case ats.ReferenceJobs:
		return a.jobItems(), nil
	case ats.ReferenceStages:
		return a.stageItems(q.Parent)
	case ats.ReferenceUsers:
		return []ats.ReferenceItem{
			choice("user-1", "Robin Example", map[string]string{"email": "robin@example.com", "site_admin": "true"}),
			choice("user-2", "Kim Example", map[string]string{"email": "kim@example.com", "site_admin": "false"}),
		}, nil
	case ats.ReferenceRejectionReasons:
		return []ats.ReferenceItem{choice("reason-1", "Score below the bar", map[string]string{"kind": "We rejected them"})}, nil
	case ats.ReferenceEmailTemplates:
		return []ats.ReferenceItem{choice("template-1", "Kind rejection", map[string]string{"kind": "candidate_rejection"})}, nil
	case ats.ReferenceCustomFields:
		return fields(), nil
	case ats.ReferenceCustomFieldOptions:
		return fieldOptions(q.Parent), nil
	case ats.ReferenceSources:
		return []ats.ReferenceItem{choice("source-1", "Trellis", nil)}, nil
	case ats.ReferenceTags:
		return a.tagItems(), nil
	default:
		return nil, refuse(fault.Unsupported, "The ATS has no list of %q.", q.Kind)
	}
}

func choice(id, name string, details map[string]string) ats.ReferenceItem {
	return ats.ReferenceItem{ID: id, Name: name, Active: true, Details: details}
}

func (a *ATS) jobItems() []ats.ReferenceItem {
	items := make([]ats.ReferenceItem, 0, len(a.jobs))
	for n, j := range a.jobs {
		status := map[bool]string{true: "closed", false: "open"}[j.closed]
		items = append(items, ats.ReferenceItem{ID: j.id, Name: j.name, Order: n, Active: !j.closed, Details: map[string]string{"status": status}})
	}
	return items
}

func (a *ATS) stageItems(parent string) ([]ats.ReferenceItem, error) {
	j := a.job(parent)
	if j == nil {
		return nil, refuse(fault.NotFound, "The ATS has no job %q.", parent)
	}
	items := make([]ats.ReferenceItem, 0, len(j.stages))
	for n, s := range j.stages {
		items = append(items, ats.ReferenceItem{ID: s.id, Name: s.name, Parent: j.id, Order: n, Active: true})
	}
	return items, nil
}

// fields are the custom fields; the id is what SetFields takes as key.
func fields() []ats.ReferenceItem {
	field := func(id, name, owner, kind string) ats.ReferenceItem {
		details := map[string]string{"owner": owner, "type": kind, "key": id}
		if kind == "number" {
			details[ats.DetailTakes] = ats.TakesNumbers
		}
		return choice(id, name, details)
	}
	return []ats.ReferenceItem{
		field("score", "Assessment score", "APPLICATION", "number"),
		field("band", "Assessment band", "APPLICATION", "single_select"),
		field("report", "Assessment report", "APPLICATION", "url"),
		field("summary", "Assessment summary", "CANDIDATE", "long_text"),
	}
}

func fieldOptions(parent string) []ats.ReferenceItem {
	if parent != "band" {
		return nil
	}
	var items []ats.ReferenceItem
	for n, name := range []string{"green", "yellow", "red"} {
		items = append(items, ats.ReferenceItem{ID: "band-" + strconv.Itoa(n+1), Name: name, Parent: parent, Order: n, Active: true})
	}
	return items
}

// tagItems are the tags in use.
func (a *ATS) tagItems() []ats.ReferenceItem {
	var items []ats.ReferenceItem
	seen := make(map[string]bool)
	for _, p := range a.people {
		for _, tag := range p.Tags {
			if !seen[tag] {
				items = append(items, choice(tag, tag, nil))
			}
			seen[tag] = true
		}
	}
	return items
}
