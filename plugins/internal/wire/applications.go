package wire

import (
	"context"
	"log/slog"

	"github.com/trellis-ats/trellis/core/ats"
	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"
)

// Get implements ats.Applications.
func (c *Client) Get(ctx context.Context, q *ats.ApplicationQuery) (*ats.ApplicationList, error) {
	return ask(ctx, question[*atsv1.GetRequest, *atsv1.GetResponse, *atsv1.ApplicationList, *ats.ApplicationList]{
		method: atsv1.ApplicationsService_Get_FullMethodName, rpc: c.applications.Get, read: applicationsFromProto,
		check: func(l *ats.ApplicationList) error { return checkApplications(l, q.Cursor) },
		request: &atsv1.GetRequest{
			Connection: connectionToProto(&q.Connection), Ids: cleanAll(q.IDs), CandidateId: clean(q.CandidateID), JobId: clean(q.JobID),
			ChangedSince: timestamp(q.ChangedSince), Cursor: clean(q.Cursor), Entered: q.Entered,
		},
	})
}

// Move implements ats.Applications.
func (c *Client) Move(ctx context.Context, m *ats.MoveRequest) (*ats.ApplicationReceipt, error) {
	return ask(ctx, question[*atsv1.MoveRequest, *atsv1.MoveResponse, *atsv1.ApplicationReceipt, *ats.ApplicationReceipt]{
		method: atsv1.ApplicationsService_Move_FullMethodName, rpc: c.applications.Move, read: applicationReceiptFromProto, check: checkApplicationReceipt,
		request: &atsv1.MoveRequest{
			Connection: connectionToProto(&m.Connection), ApplicationId: clean(m.ApplicationID), FromStage: clean(m.FromStage), ToStage: clean(m.ToStage),
		},
	})
}

// Reject implements ats.Applications.
func (c *Client) Reject(ctx context.Context, r *ats.RejectRequest) (*ats.ApplicationReceipt, error) {
	return ask(ctx, question[*atsv1.RejectRequest, *atsv1.RejectResponse, *atsv1.ApplicationReceipt, *ats.ApplicationReceipt]{
		method: atsv1.ApplicationsService_Reject_FullMethodName, rpc: c.applications.Reject, read: applicationReceiptFromProto, check: checkApplicationReceipt,
		request: &atsv1.RejectRequest{
			Connection: connectionToProto(&r.Connection), ApplicationId: clean(r.ApplicationID),
			Reason: clean(r.Reason), EmailTemplate: clean(r.EmailTemplate), Notes: clean(r.Notes),
		},
	})
}

// Unreject implements ats.Applications.
func (c *Client) Unreject(ctx context.Context, r *ats.UnrejectRequest) (*ats.ApplicationReceipt, error) {
	return ask(ctx, question[*atsv1.UnrejectRequest, *atsv1.UnrejectResponse, *atsv1.ApplicationReceipt, *ats.ApplicationReceipt]{
		method: atsv1.ApplicationsService_Unreject_FullMethodName, rpc: c.applications.Unreject, read: applicationReceiptFromProto, check: checkApplicationReceipt,
		request: &atsv1.UnrejectRequest{Connection: connectionToProto(&r.Connection), ApplicationId: clean(r.ApplicationID)},
	})
}

type applicationsServer struct {
	atsv1.UnimplementedApplicationsServiceServer
	applications ats.Applications
	log          *slog.Logger
}

func (s applicationsServer) Get(ctx context.Context, r *atsv1.GetRequest) (*atsv1.GetResponse, error) {
	answer, err := s.applications.Get(ctx, &ats.ApplicationQuery{
		Connection: *connectionFromProto(r.GetConnection()), IDs: r.GetIds(), CandidateID: r.GetCandidateId(), JobID: r.GetJobId(),
		ChangedSince: moment(r.GetChangedSince()), Cursor: r.GetCursor(), Entered: r.GetEntered(),
	})
	return &atsv1.GetResponse{Answer: applicationsToProto(answer), Fault: told(ctx, s.log, atsv1.ApplicationsService_Get_FullMethodName, err)}, nil
}

func (s applicationsServer) Move(ctx context.Context, r *atsv1.MoveRequest) (*atsv1.MoveResponse, error) {
	answer, err := s.applications.Move(ctx, &ats.MoveRequest{
		Connection: *connectionFromProto(r.GetConnection()), ApplicationID: r.GetApplicationId(), FromStage: r.GetFromStage(), ToStage: r.GetToStage(),
	})
	return &atsv1.MoveResponse{Answer: applicationReceiptToProto(answer), Fault: told(ctx, s.log, atsv1.ApplicationsService_Move_FullMethodName, err)}, nil
}

func (s applicationsServer) Reject(ctx context.Context, r *atsv1.RejectRequest) (*atsv1.RejectResponse, error) {
	answer, err := s.applications.Reject(ctx, &ats.RejectRequest{
		Connection: *connectionFromProto(r.GetConnection()), ApplicationID: r.GetApplicationId(),
		Reason: r.GetReason(), EmailTemplate: r.GetEmailTemplate(), Notes: r.GetNotes(),
	})
	return &atsv1.RejectResponse{Answer: applicationReceiptToProto(answer), Fault: told(ctx, s.log, atsv1.ApplicationsService_Reject_FullMethodName, err)}, nil
}

func (s applicationsServer) Unreject(ctx context.Context, r *atsv1.UnrejectRequest) (*atsv1.UnrejectResponse, error) {
	answer, err := s.applications.Unreject(ctx, &ats.UnrejectRequest{
		Connection: *connectionFromProto(r.GetConnection()), ApplicationID: r.GetApplicationId(),
	})
	return &atsv1.UnrejectResponse{Answer: applicationReceiptToProto(answer), Fault: told(ctx, s.log, atsv1.ApplicationsService_Unreject_FullMethodName, err)}, nil
}

func applicationsToProto(l *ats.ApplicationList) *atsv1.ApplicationList {
	if l == nil {
		return nil
	}
	return &atsv1.ApplicationList{Applications: each(l.Applications, applicationToProto), Next: clean(l.Next), Trace: traceToProto(l.Trace)}
}

func applicationsFromProto(p *atsv1.ApplicationList) *ats.ApplicationList {
	return &ats.ApplicationList{Applications: each(p.GetApplications(), applicationFromProto), Next: p.GetNext(), Trace: traceFromProto(p.GetTrace())}
}

func applicationToProto(a ats.ApplicationRecord) *atsv1.ApplicationRecord {
	return &atsv1.ApplicationRecord{
		Id: clean(a.ID), CandidateId: clean(a.CandidateID), JobId: clean(a.JobID), State: clean(string(a.State)),
		StageId: clean(a.StageID), StageName: clean(a.StageName), ProfileUrl: clean(a.ProfileURL),
		EnteredAt: timestamp(a.EnteredAt), LastActivityAt: timestamp(a.LastActivityAt), RejectedAt: timestamp(a.RejectedAt),
	}
}

func applicationFromProto(p *atsv1.ApplicationRecord) ats.ApplicationRecord {
	return ats.ApplicationRecord{
		ID: p.GetId(), CandidateID: p.GetCandidateId(), JobID: p.GetJobId(), State: ats.ApplicationState(p.GetState()),
		StageID: p.GetStageId(), StageName: p.GetStageName(), ProfileURL: p.GetProfileUrl(),
		EnteredAt: moment(p.GetEnteredAt()), LastActivityAt: moment(p.GetLastActivityAt()), RejectedAt: moment(p.GetRejectedAt()),
	}
}

func applicationReceiptToProto(r *ats.ApplicationReceipt) *atsv1.ApplicationReceipt {
	if r == nil {
		return nil
	}
	return &atsv1.ApplicationReceipt{ApplicationId: clean(r.ApplicationID), ProfileUrl: clean(r.ProfileURL), Trace: traceToProto(r.Trace)}
}

func applicationReceiptFromProto(p *atsv1.ApplicationReceipt) *ats.ApplicationReceipt {
	return &ats.ApplicationReceipt{ApplicationID: p.GetApplicationId(), ProfileURL: p.GetProfileUrl(), Trace: traceFromProto(p.GetTrace())}
}
