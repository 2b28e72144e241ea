package model

import (
	"github.com/99designs/gqlgen/graphql"

	"github.com/trellis-ats/trellis/core"
)

// Issue is an issue as callers see it.
type Issue struct {
	*core.Issue
	Batch *Batch[core.Issue]
}

// ViewIssue is a view of one of a batch.
func ViewIssue(i *core.Issue, b *Batch[core.Issue]) Issue { return Issue{i, b} }

// NewIssue is a view of a single issue, or nil of nil.
func NewIssue(i *core.Issue) *Issue { return single(i, ViewIssue) }

// IsNode marks a node.
func (*Issue) IsNode() {}

// PushID is nil if the issue is about no push.
func (i Issue) PushID() *core.ID {
	if i.Issue.PushID == "" {
		return nil
	}
	return &i.Issue.PushID
}

// ApplicationExternalID is nil if the issue is about no application.
func (i Issue) ApplicationExternalID() *string { return optional(i.ApplicationID) }

// Automatic reports whether Trellis can do what is to be done.
func (i Issue) Automatic() bool { return i.Action().Automatic() }

type (
	// IssueConnection is a page of issues.
	IssueConnection = Connection[Issue]
	// IssueEdge is an issue in a page.
	IssueEdge = Edge[Issue]
)

// NewIssues shapes a page of issues.
func NewIssues(p *core.Paged[core.Issue]) *IssueConnection {
	return connection(ListIssues, p, func(i *core.Issue) core.ID { return i.ID }, ViewIssue)
}

// MarshalIssueKind writes a kind of issue.
func MarshalIssueKind(v core.IssueKind) graphql.Marshaler { return graphql.MarshalString(string(v)) }

// UnmarshalIssueKind reads a kind of issue.
func UnmarshalIssueKind(v any) (core.IssueKind, error) { return enum[core.IssueKind](v) }

// MarshalIssueAction writes what to do about an issue.
func MarshalIssueAction(v core.IssueAction) graphql.Marshaler {
	return graphql.MarshalString(string(v))
}

// UnmarshalIssueAction reads what to do about an issue.
func UnmarshalIssueAction(v any) (core.IssueAction, error) { return enum[core.IssueAction](v) }
