package model

import "github.com/trellis-ats/trellis/core"

// Test is a test as callers see it.
type Test struct{ *core.Test }

// ViewTest is a view of a test; it has no parts that are read later.
func ViewTest(t *core.Test, _ *Batch[core.Test]) Test { return Test{t} }

// NewTest is a view of t, or nil of nil.
func NewTest(t *core.Test) *Test { return single(t, ViewTest) }

// IsNode marks a node.
func (*Test) IsNode() {}

// DurationMinutes is nil if not told.
func (t Test) DurationMinutes() *int {
	if t.Test.DurationMinutes == 0 {
		return nil
	}
	return &t.Test.DurationMinutes
}

type (
	// TestConnection is a page of tests.
	TestConnection = Connection[Test]
	// TestEdge is a test in a page.
	TestEdge = Edge[Test]
)

// NewTests shapes a page of tests.
func NewTests(p *core.Paged[core.Test]) *TestConnection {
	return connection(ListTests, p, func(t *core.Test) core.ID { return t.ID }, ViewTest)
}
