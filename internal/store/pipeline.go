package store

import (
	"context"

	"github.com/trellis-ats/trellis/core"
)

type pipelineRow struct {
	Status   core.Status        `db:"status"`
	Delivery core.DeliveryState `db:"delivery"`
	Decision core.Decision      `db:"decision"`
	Count    int                `db:"n"`
}

// Pipeline implements core.AssessmentReader.
func (r reader) Pipeline(ctx context.Context, organization core.ID, s core.Sight) (*core.Pipeline, error) {
	w := owned(organization)
	w.inSight(s, "job_id %s")
	rows := []pipelineRow{}
	query := "SELECT status, delivery, decision, count(*) AS n FROM assessments" + w.String() + " GROUP BY status, delivery, decision"
	if err := r.q.list(ctx, &rows, query, w.arguments...); err != nil {
		return nil, err
	}
	p := &core.Pipeline{
		Statuses: map[core.Status]int{}, Deliveries: map[core.DeliveryState]int{}, Decisions: map[core.Decision]int{},
	}
	for _, row := range rows {
		p.Statuses[row.Status] += row.Count
		p.Deliveries[row.Delivery] += row.Count
		p.Decisions[row.Decision] += row.Count
		p.Total += row.Count
	}
	return p, nil
}
