package wire

import (
	"context"
	"log/slog"

	"github.com/trellis-ats/trellis/core/ats"
	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"
)

// Find implements ats.Candidates.
func (c *Client) Find(ctx context.Context, q *ats.CandidateQuery) (*ats.CandidateMatches, error) {
	return ask(ctx, question[*atsv1.FindRequest, *atsv1.FindResponse, *atsv1.CandidateMatches, *ats.CandidateMatches]{
		method: atsv1.CandidatesService_Find_FullMethodName, rpc: c.candidates.Find, read: matchesFromProto, check: checkMatches,
		request: &atsv1.FindRequest{
			Connection: connectionToProto(&q.Connection), ExternalId: clean(q.ExternalID), Email: clean(q.Email), JobId: clean(q.JobID),
		},
	})
}

// Create implements ats.Candidates.
func (c *Client) Create(ctx context.Context, n *ats.NewCandidate) (*ats.CandidateReceipt, error) {
	return ask(ctx, question[*atsv1.CreateRequest, *atsv1.CreateResponse, *atsv1.CandidateReceipt, *ats.CandidateReceipt]{
		method: atsv1.CandidatesService_Create_FullMethodName, rpc: c.candidates.Create, read: candidateReceiptFromProto, check: checkCandidateReceipt,
		request: &atsv1.CreateRequest{
			Connection: connectionToProto(&n.Connection), Person: candidateToProto(n.Person),
			JobId: clean(n.JobID), StageId: clean(n.StageID), SourceId: clean(n.SourceID),
		},
	})
}

// Apply implements ats.Candidates.
func (c *Client) Apply(ctx context.Context, n *ats.NewApplication) (*ats.ApplicationReceipt, error) {
	return ask(ctx, question[*atsv1.ApplyRequest, *atsv1.ApplyResponse, *atsv1.ApplicationReceipt, *ats.ApplicationReceipt]{
		method: atsv1.CandidatesService_Apply_FullMethodName, rpc: c.candidates.Apply, read: applicationReceiptFromProto, check: checkApplicationReceipt,
		request: &atsv1.ApplyRequest{
			Connection: connectionToProto(&n.Connection), CandidateId: clean(n.CandidateID),
			JobId: clean(n.JobID), StageId: clean(n.StageID), SourceId: clean(n.SourceID),
		},
	})
}

type candidatesServer struct {
	atsv1.UnimplementedCandidatesServiceServer
	candidates ats.Candidates
	log        *slog.Logger
}

func (s candidatesServer) Find(ctx context.Context, r *atsv1.FindRequest) (*atsv1.FindResponse, error) {
	answer, err := s.candidates.Find(ctx, &ats.CandidateQuery{
		Connection: *connectionFromProto(r.GetConnection()), ExternalID: r.GetExternalId(), Email: r.GetEmail(), JobID: r.GetJobId(),
	})
	return &atsv1.FindResponse{Answer: matchesToProto(answer), Fault: told(ctx, s.log, atsv1.CandidatesService_Find_FullMethodName, err)}, nil
}

func (s candidatesServer) Create(ctx context.Context, r *atsv1.CreateRequest) (*atsv1.CreateResponse, error) {
	answer, err := s.candidates.Create(ctx, &ats.NewCandidate{
		Connection: *connectionFromProto(r.GetConnection()), Person: candidateFromProto(r.GetPerson()),
		JobID: r.GetJobId(), StageID: r.GetStageId(), SourceID: r.GetSourceId(),
	})
	return &atsv1.CreateResponse{Answer: candidateReceiptToProto(answer), Fault: told(ctx, s.log, atsv1.CandidatesService_Create_FullMethodName, err)}, nil
}

func (s candidatesServer) Apply(ctx context.Context, r *atsv1.ApplyRequest) (*atsv1.ApplyResponse, error) {
	answer, err := s.candidates.Apply(ctx, &ats.NewApplication{
		Connection: *connectionFromProto(r.GetConnection()), CandidateID: r.GetCandidateId(),
		JobID: r.GetJobId(), StageID: r.GetStageId(), SourceID: r.GetSourceId(),
	})
	return &atsv1.ApplyResponse{Answer: applicationReceiptToProto(answer), Fault: told(ctx, s.log, atsv1.CandidatesService_Apply_FullMethodName, err)}, nil
}

func matchesToProto(m *ats.CandidateMatches) *atsv1.CandidateMatches {
	if m == nil {
		return nil
	}
	return &atsv1.CandidateMatches{Matches: each(m.Matches, matchToProto), Trace: traceToProto(m.Trace)}
}

func matchesFromProto(p *atsv1.CandidateMatches) *ats.CandidateMatches {
	return &ats.CandidateMatches{Matches: each(p.GetMatches(), matchFromProto), Trace: traceFromProto(p.GetTrace())}
}

func matchToProto(m ats.CandidateMatch) *atsv1.CandidateMatch {
	return &atsv1.CandidateMatch{
		CandidateId: clean(m.CandidateID), ProfileUrl: clean(m.ProfileURL), Email: clean(m.Email), Private: m.Private,
		FirstName: clean(m.FirstName), LastName: clean(m.LastName), Applications: each(m.Applications, applicationToProto),
	}
}

func matchFromProto(p *atsv1.CandidateMatch) ats.CandidateMatch {
	return ats.CandidateMatch{
		CandidateID: p.GetCandidateId(), ProfileURL: p.GetProfileUrl(), Email: p.GetEmail(), Private: p.GetPrivate(),
		FirstName: p.GetFirstName(), LastName: p.GetLastName(), Applications: each(p.GetApplications(), applicationFromProto),
	}
}

func candidateReceiptToProto(r *ats.CandidateReceipt) *atsv1.CandidateReceipt {
	if r == nil {
		return nil
	}
	return &atsv1.CandidateReceipt{
		CandidateId: clean(r.CandidateID), ApplicationId: clean(r.ApplicationID), ProfileUrl: clean(r.ProfileURL), Trace: traceToProto(r.Trace),
	}
}

func candidateReceiptFromProto(p *atsv1.CandidateReceipt) *ats.CandidateReceipt {
	return &ats.CandidateReceipt{
		CandidateID: p.GetCandidateId(), ApplicationID: p.GetApplicationId(), ProfileURL: p.GetProfileUrl(), Trace: traceFromProto(p.GetTrace()),
	}
}
