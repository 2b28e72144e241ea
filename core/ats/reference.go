package ats

import "context"

// Reference is implemented by adapters that can list what the ATS knows and a
// person must choose from.
type Reference interface {
	// List returns one page. The answer comes with an error too, with its Trace.
	List(ctx context.Context, q *ReferenceQuery) (*ReferencePage, error)
}

// ReferenceKind is a kind of things to choose from.
type ReferenceKind string

// The kinds. Stages have a job as parent, options a custom field.
const (
	ReferenceJobs               ReferenceKind = "JOBS"
	ReferenceStages             ReferenceKind = "STAGES"
	ReferenceUsers              ReferenceKind = "USERS"
	ReferenceRejectionReasons   ReferenceKind = "REJECTION_REASONS"
	ReferenceEmailTemplates     ReferenceKind = "EMAIL_TEMPLATES"
	ReferenceCustomFields       ReferenceKind = "CUSTOM_FIELDS"
	ReferenceCustomFieldOptions ReferenceKind = "CUSTOM_FIELD_OPTIONS"
	ReferenceSources            ReferenceKind = "SOURCES"
	ReferenceTags               ReferenceKind = "TAGS"
)

// ReferenceQuery asks for a page.
type ReferenceQuery struct {
	Connection Connection
	Kind       ReferenceKind
	Parent     string // the id of the job or field; empty where there is none
	Cursor     string // of the page before; empty for the first
}

// ReferencePage is a page. Next is empty on the last one.
type ReferencePage struct {
	Items []ReferenceItem
	Next  string
	Trace
}

// ReferenceItem is one thing to choose.
type ReferenceItem struct {
	ID     string
	Name   string
	Parent string // the id of the job or field it belongs to
	Order  int    // its place among its siblings, from 0
	Active bool   // open, not archived, not deactivated
	// Details are facts by name. Common ones: "email", "site_admin" ("true"),
	// "owner" (CANDIDATE or APPLICATION), "type" and "key" of a field,
	// "status" of a job, "kind" of a reason or template, DetailTakes of a field.
	Details map[string]string
}

// DetailTakes tells what of a result a custom field can be given: one of the
// values below; texts and numbers if it is not there.
const (
	DetailTakes  = "takes"
	TakesNumbers = "NUMBERS"
	TakesNothing = "NOTHING"
)
