package wire

import (
	"github.com/trellis-ats/trellis/core/ats"
	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"
)

// maxDegraded is how many remarks for people an answer may have.
const maxDegraded = 100

func traceToProto(t ats.Trace) *atsv1.Trace {
	return &atsv1.Trace{Exchanges: each(t.Exchanges, exchangeToProto), Budget: budgetToProto(t.Budget), Degraded: cleanAll(t.Degraded)}
}

func traceFromProto(p *atsv1.Trace) ats.Trace {
	return ats.Trace{Exchanges: each(p.GetExchanges(), exchangeFromProto), Budget: budgetFromProto(p.GetBudget()), Degraded: p.GetDegraded()}
}

func budgetToProto(b *ats.RateBudget) *atsv1.RateBudget {
	if b == nil {
		return nil
	}
	return &atsv1.RateBudget{Scope: clean(b.Scope), Limit: int64(b.Limit), Remaining: int64(b.Remaining), ResetAt: timestamp(b.ResetAt)}
}

func budgetFromProto(p *atsv1.RateBudget) *ats.RateBudget {
	if p == nil {
		return nil
	}
	return &ats.RateBudget{Scope: p.GetScope(), Limit: int(p.GetLimit()), Remaining: int(p.GetRemaining()), ResetAt: moment(p.GetResetAt())}
}

// settle keeps a trace within its bounds. A budget that cannot be meant is
// forgotten: by it the host would pace others too.
func settle(t *ats.Trace) {
	t.Exchanges = bounded(t.Exchanges)
	t.Degraded = each(atMost(t.Degraded, maxDegraded), cut)
	if b := t.Budget; b != nil && (b.Scope == "" || b.Limit <= 0 || b.Remaining < 0) {
		t.Budget = nil
	}
}
