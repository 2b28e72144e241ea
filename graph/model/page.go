package model

import (
	"encoding/base64"
	"strings"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
)

// defaultPage is how many items a page has if the caller does not say.
const defaultPage = 50

// List is a kind of list, named by the prefix of its items' ids and, if it has
// several, by its order. A cursor of one kind is refused in another.
type List string

// The lists.
const (
	ListTests       = List(core.PrefixTest)
	ListJobs        = List(core.PrefixJob)
	ListCandidates  = List(core.PrefixCandidate)
	ListAssessments = List(core.PrefixAssessment)
	ListEvents      = List(core.PrefixEvent)
	ListSyncLog     = List(core.PrefixSyncEntry)
	ListTokens      = List(core.PrefixToken)
	ListAuditLog    = List(core.PrefixAuditEntry)
	ListJobMappings = List(core.PrefixMapping)
	ListWebhooks    = List(core.PrefixWebhook)
	ListIssues      = List(core.PrefixIssue)
	ListErasures    = List(core.PrefixErasure)
	ListPushes      = List(core.PrefixPush)
	ListDecisions   = List(core.PrefixDecision)
)

// Ordered is the list in another order than its own.
func (l List) Ordered(by string) List { return l + "/" + List(by) }

func (l List) prefix() core.Prefix {
	prefix, _, _ := strings.Cut(string(l), "/")
	return core.Prefix(prefix)
}

// PageArgs are the arguments of a list as the caller gave them.
type PageArgs struct {
	First  *int
	After  *string
	Last   *int
	Before *string
}

// Page checks the arguments. Errors: fault.Invalid, naming the argument.
func (l List) Page(a PageArgs) (core.Page, error) {
	var p core.Page
	var err error
	if p.First, err = size("first", a.First); err != nil {
		return p, err
	}
	if p.Last, err = size("last", a.Last); err != nil {
		return p, err
	}
	if p.After, err = l.open("after", a.After); err != nil {
		return p, err
	}
	if p.Before, err = l.open("before", a.Before); err != nil {
		return p, err
	}
	if p.First > 0 && p.Last > 0 {
		return p, fault.InvalidField("last", "AMBIGUOUS", "Ask for first or for last, not for both.")
	}
	if p.First == 0 && p.Last == 0 {
		p.First = defaultPage
	}
	return p, nil
}

// Size is how many items the page can have at most, for costs; arguments out
// of range count as the nearest in range.
func (a PageArgs) Size() int {
	size := defaultPage
	if a.Last != nil {
		size = *a.Last
	}
	if a.First != nil {
		size = *a.First
	}
	return min(max(size, 1), core.MaxPage)
}

func size(argument string, n *int) (int, error) {
	if n == nil {
		return 0, nil
	}
	if *n < 1 || *n > core.MaxPage {
		return 0, fault.InvalidField(argument, "OUT_OF_RANGE", "%s is from 1 to %d.", argument, core.MaxPage)
	}
	return *n, nil
}

// cursor is opaque to callers: the list's kind and the item's id.
func (l List) cursor(id core.ID) string {
	return base64.RawURLEncoding.EncodeToString([]byte(string(l) + ":" + string(id)))
}

func (l List) open(argument string, cursor *string) (core.ID, error) {
	if cursor == nil {
		return "", nil
	}
	decoded, err := base64.RawURLEncoding.DecodeString(*cursor)
	text, ours := strings.CutPrefix(string(decoded), string(l)+":")
	id, malformed := core.ParseID(l.prefix(), text)
	if err != nil || !ours || malformed != nil {
		return "", fault.InvalidField(argument, "NOT_A_CURSOR", "%s is not a cursor of this list. Use a cursor that a page of it gave.", argument)
	}
	return id, nil
}

// PageInfo tells where a page stands.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string
	EndCursor       *string
}

// Edge is an item in a page.
type Edge[T any] struct {
	Cursor string
	Node   T
}

// Connection is a page in Relay's form.
type Connection[T any] struct {
	Edges    []Edge[T]
	Nodes    []T
	PageInfo PageInfo
}

// connection shapes a page of core, or nil of nil; view makes a node of an item.
func connection[C, T any](l List, p *core.Paged[C], id func(*C) core.ID, view func(*C, *Batch[C]) T) *Connection[T] {
	if p == nil {
		return nil
	}
	c := &Connection[T]{Edges: make([]Edge[T], len(p.Items)), Nodes: Views(p.Items, view)}
	for i := range p.Items {
		c.Edges[i] = Edge[T]{Cursor: l.cursor(id(&p.Items[i])), Node: c.Nodes[i]}
	}
	c.PageInfo = PageInfo{HasNextPage: p.HasNext, HasPreviousPage: p.HasPrevious}
	if n := len(c.Edges); n > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[n-1].Cursor
	}
	return c
}

// optional makes an empty text null.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
