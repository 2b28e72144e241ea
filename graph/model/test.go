package model

import "github.com/trellis-ats/trellis/core"

// Test is a test as callers see it.
type Test struct{ *core.Test }

// NewTest is a view of c, or nil of nil.
func NewTest(c *core.Test) *Test {
	if c == nil {
		return nil
	}
	return &Test{c}
}

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
	return newConnection(ListTests, p,
		func(t *core.Test) core.ID { return t.ID },
		func(t *core.Test) Test { return Test{t} })
}
