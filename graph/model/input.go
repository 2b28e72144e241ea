package model

import "github.com/trellis-ats/trellis/core"

// The inputs of mutations that create are core's, with the caller's key.
type (
	// CreateTestInput is a new test.
	CreateTestInput struct {
		core.Test
		IdempotencyKey string
	}
	// CreateAssessmentInput is an order.
	CreateAssessmentInput struct {
		core.NewOrder
		IdempotencyKey string
	}
	// CreateJobInput is a new job.
	CreateJobInput struct {
		core.Job
		IdempotencyKey string
	}
	// CreateAPITokenInput is a new API token.
	CreateAPITokenInput struct {
		core.NewToken
		IdempotencyKey string
	}
)
