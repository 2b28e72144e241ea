package model

import "github.com/trellis-ats/trellis/core"

// Pipeline counts assessments as callers see it: states without any are there.
type Pipeline struct{ *core.Pipeline }

type (
	// StatusCount is how many have a status.
	StatusCount struct {
		Status core.Status
		Count  int
	}
	// DeliveryCount is how many have a delivery in a state.
	DeliveryCount struct {
		State core.DeliveryState
		Count int
	}
	// DecisionCount is how many have a decision.
	DecisionCount struct {
		Decision core.Decision
		Count    int
	}
)

// Statuses counts by status, in their order.
func (p Pipeline) Statuses() []StatusCount {
	return counted(p.Pipeline.Statuses, func(s core.Status, n int) StatusCount { return StatusCount{s, n} },
		core.StatusOrdered, core.StatusInvited, core.StatusStarted, core.StatusCompleted,
		core.StatusScored, core.StatusExpired, core.StatusCancelled, core.StatusFailed)
}

// Deliveries counts by the state of the delivery.
func (p Pipeline) Deliveries() []DeliveryCount {
	return counted(p.Pipeline.Deliveries, func(s core.DeliveryState, n int) DeliveryCount { return DeliveryCount{s, n} },
		core.DeliveryNone, core.DeliveryPending, core.DeliveryDelivered, core.DeliveryFailed)
}

// Decisions counts by decision.
func (p Pipeline) Decisions() []DecisionCount {
	return counted(p.Pipeline.Decisions, func(d core.Decision, n int) DecisionCount { return DecisionCount{d, n} },
		core.DecisionNone, core.DecisionSuggested, core.DecisionHeld,
		core.DecisionAdvanced, core.DecisionRejectPending, core.DecisionRejected)
}

func counted[S comparable, C any](counts map[S]int, count func(S, int) C, states ...S) []C {
	all := make([]C, len(states))
	for i, s := range states {
		all[i] = count(s, counts[s])
	}
	return all
}
