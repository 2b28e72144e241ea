package wire

import (
	"context"
	"log/slog"

	"github.com/trellis-ats/trellis/core/ats"
	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"
)

// List implements ats.Reference.
func (c *Client) List(ctx context.Context, q *ats.ReferenceQuery) (*ats.ReferencePage, error) {
	return ask(ctx, question[*atsv1.ListRequest, *atsv1.ListResponse, *atsv1.ReferencePage, *ats.ReferencePage]{
		method: atsv1.ReferenceService_List_FullMethodName, rpc: c.reference.List, read: referencesFromProto,
		check: func(p *ats.ReferencePage) error { return checkReferences(p, q.Cursor) },
		request: &atsv1.ListRequest{
			Connection: connectionToProto(&q.Connection), Kind: clean(string(q.Kind)), Parent: clean(q.Parent), Cursor: clean(q.Cursor),
		},
	})
}

type referenceServer struct {
	atsv1.UnimplementedReferenceServiceServer
	reference ats.Reference
	log       *slog.Logger
}

func (s referenceServer) List(ctx context.Context, r *atsv1.ListRequest) (*atsv1.ListResponse, error) {
	answer, err := s.reference.List(ctx, &ats.ReferenceQuery{
		Connection: *connectionFromProto(r.GetConnection()), Kind: ats.ReferenceKind(r.GetKind()), Parent: r.GetParent(), Cursor: r.GetCursor(),
	})
	return &atsv1.ListResponse{Answer: referencesToProto(answer), Fault: told(ctx, s.log, atsv1.ReferenceService_List_FullMethodName, err)}, nil
}

func referencesToProto(p *ats.ReferencePage) *atsv1.ReferencePage {
	if p == nil {
		return nil
	}
	return &atsv1.ReferencePage{Items: each(p.Items, referenceToProto), Next: clean(p.Next), Trace: traceToProto(p.Trace)}
}

func referencesFromProto(p *atsv1.ReferencePage) *ats.ReferencePage {
	return &ats.ReferencePage{Items: each(p.GetItems(), referenceFromProto), Next: p.GetNext(), Trace: traceFromProto(p.GetTrace())}
}

func referenceToProto(i ats.ReferenceItem) *atsv1.ReferenceItem {
	return &atsv1.ReferenceItem{
		Id: clean(i.ID), Name: clean(i.Name), Parent: clean(i.Parent), Order: int64(i.Order), Active: i.Active, Details: cleanMap(i.Details),
	}
}

func referenceFromProto(p *atsv1.ReferenceItem) ats.ReferenceItem {
	return ats.ReferenceItem{
		ID: p.GetId(), Name: p.GetName(), Parent: p.GetParent(), Order: int(p.GetOrder()), Active: p.GetActive(), Details: p.GetDetails(),
	}
}
