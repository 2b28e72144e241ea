package graph

import (
	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
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
	pushCosts(&c)
	routingCosts(&c)
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
	c.Query.AuditLog = func(child int, _ *generated.AuditLogFilter, first *int, _ *string, last *int, _ *string) int {
		return page(child, first, last)
	}
	c.Query.SyncLog = func(child int, _ *core.SyncFilter, first *int, _ *string, last *int, _ *string) int {
		return page(child, first, last)
	}
	c.Query.Nodes = func(child int, ids []core.ID) int { return len(ids) * (costPage + child) }
	c.Query.ReferenceData = func(child int, _ core.ID, _ ats.ReferenceKind, _, _ *string, _ *bool, first *int) int {
		return page(child, first, nil)
	}
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
	hookCosts(&c)
	return c
}

// hookCosts are those of what the ATS tells us.
func hookCosts(c *generated.ComplexityRoot) {
	c.Query.Webhooks = func(child int, _ *core.WebhookFilter, first *int, _ *string, last *int, _ *string) int {
		return page(child, first, last)
	}
	c.Query.Issues = func(child int, _ *core.IssueFilter, first *int, _ *string, last *int, _ *string) int {
		return page(child, first, last)
	}
	c.Query.Erasures = func(child int, first *int, _ *string, last *int, _ *string) int { return page(child, first, last) }
	c.Query.StageTriggers = func(child int, _ *core.ID) int { return costPage + child }
}

// routingCosts are those of what scores lead to.
func routingCosts(c *generated.ComplexityRoot) {
	list := func(child int, _ *core.DecisionFilter, first *int, _ *string, last *int, _ *string) int {
		return page(child, first, last)
	}
	c.Query.ReviewQueue, c.Query.Decisions = list, list
	c.Query.RoutingRules = func(child int, _ core.ID) int { return costPage + child }
	c.Query.RoutingSwitches = func(child int, _ core.ID) int { return costPage + child }
	c.Mutation.DecideAssessments = func(child int, in generated.DecideAssessmentsInput) int {
		return len(in.DecisionIds) * (costPage + child)
	}
	c.Mutation.UndoDecisions = func(child int, in generated.UndoDecisionsInput) int {
		return len(in.DecisionIds) * (costPage + child)
	}
}

// pushCosts are those of what is pushed, where and when.
func pushCosts(c *generated.ComplexityRoot) {
	c.Query.JobMappings = func(child int, _ *core.JobMappingFilter, first *int, _ *string, last *int, _ *string) int {
		return page(child, first, last)
	}
	c.Query.PushRules = func(child int, _ core.ID) int { return costPage + child }
	c.Query.ScorecardPreview = func(child int, _ core.ID, _ core.Score, _ *core.ID) int { return costPage + child }
	c.PushProfile.Warnings = func(int) int { return costPage }
	c.Query.Pushes = func(child int, _ *core.PushFilter, first *int, _ *string, last *int, _ *string) int {
		return page(child, first, last)
	}
	c.Query.PushPreview = func(child int, _ core.ID, _ *core.ID) int { return costReport + child }
	c.Mutation.PushAssessments = func(child int, in generated.PushAssessmentsInput) int {
		return len(in.AssessmentIds) * (costPage + child)
	}
	c.Query.PushEstimate = func(child int, ids []core.ID, _ *core.ID) int { return len(ids)*costPage + child }
	c.Assessment.Pushes = func(child int, first *int, _ *string, last *int, _ *string) int {
		return page(child, first, last)
	}
}

func page(child int, first, last *int) int {
	return costPage + child*model.PageArgs{First: first, Last: last}.Size()
}
