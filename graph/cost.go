package graph

import (
	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

// What a field costs beside its children; a plain field costs 1. A report can
// be a megabyte, a benchmark counts a test's results, a page is a statement.
const (
	costPage      = 10
	costReport    = 200
	costBenchmark = 10
	costExchanges = 5
)

// costs says what fields cost: a page costs its children as often as it can
// have items.
func costs() generated.ComplexityRoot {
	var c generated.ComplexityRoot
	c.Query.Tests = func(child int, _ *core.TestFilter, first *int, _ *string, last *int, _ *string) int {
		return page(child, first, last)
	}
	c.Query.Assessments = func(child int, _ *core.AssessmentFilter, _ *generated.AssessmentOrder, first *int, _ *string, last *int, _ *string) int {
		return page(child, first, last)
	}
	c.Query.Jobs = func(child int, first *int, _ *string, last *int, _ *string) int { return page(child, first, last) }
	c.Query.Candidates = func(child int, _ *core.CandidateFilter, first *int, _ *string, last *int, _ *string) int {
		return page(child, first, last)
	}
	c.Query.APITokens = func(child int, first *int, _ *string, last *int, _ *string) int { return page(child, first, last) }
	c.Query.AuditLog = func(child int, _ *core.AuditFilter, first *int, _ *string, last *int, _ *string) int {
		return page(child, first, last)
	}
	c.Query.SyncLog = func(child int, _ *core.SyncFilter, first *int, _ *string, last *int, _ *string) int {
		return page(child, first, last)
	}
	c.Query.Nodes = func(child int, ids []core.ID) int { return len(ids) * (costPage + child) }
	c.Query.Connections = func(child int) int { return costPage + child }
	c.Query.Adapters = func(child int) int { return costPage + child }
	c.Query.Pipeline = func(child int) int { return costPage + child }
	c.Assessment.Events = func(child int, first *int, _ *string, last *int, _ *string) int {
		return page(child, first, last)
	}
	c.Assessment.SyncLog = func(child int, first *int, _ *string, last *int, _ *string) int {
		return page(child, first, last)
	}
	c.Result.Report = func(child int) int { return costReport + child }
	c.Result.Benchmark = func(int) int { return costBenchmark }
	c.SyncEntry.Exchanges = func(child int) int { return costExchanges + child }
	return c
}

func page(child int, first, last *int) int {
	return costPage + child*model.PageArgs{First: first, Last: last}.Size()
}
