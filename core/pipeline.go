package core

import "context"

// Pipeline counts assessments by each of their states.
type Pipeline struct {
	Statuses   map[Status]int
	Deliveries map[DeliveryState]int
	Decisions  map[Decision]int
	Total      int
}

// Pipeline counts the assessments that the actor sees. Errors: fault.Forbidden.
func (as *Assessments) Pipeline(ctx context.Context, by Actor) (*Pipeline, error) {
	if err := by.Require(PermitRead); err != nil {
		return nil, err
	}
	sight, err := sightOf(ctx, as.store, by)
	if err != nil {
		return nil, err
	}
	return as.store.Pipeline(ctx, by.OrganizationID, sight)
}
