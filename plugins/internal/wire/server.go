package wire

import (
	"context"
	"log/slog"

	"google.golang.org/grpc"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"
)

// NewServer returns a gRPC server with the limits, the margin before deadlines
// and the recovery from panics that an adapter's process has.
func NewServer(log *slog.Logger, options []grpc.ServerOption) *grpc.Server {
	options = append(options, serverOptions()...)
	options = append(options, grpc.ChainUnaryInterceptor(guard(log)))
	return grpc.NewServer(options...)
}

type adapterServer struct {
	atsv1.UnimplementedAdapterServiceServer
	adapter  ats.Adapter
	services []string
}

func (s adapterServer) Describe(ctx context.Context, _ *atsv1.DescribeRequest) (*atsv1.DescribeResponse, error) {
	m, err := s.adapter.Describe(ctx)
	if err != nil {
		return nil, err
	}
	return &atsv1.DescribeResponse{Manifest: manifestToProto(m), Services: s.services}, nil
}

func (s adapterServer) CheckConnection(ctx context.Context, r *atsv1.CheckConnectionRequest) (*atsv1.CheckConnectionResponse, error) {
	report, err := s.adapter.CheckConnection(ctx, connectionFromProto(r.GetConnection()))
	if err != nil {
		return nil, err
	}
	return &atsv1.CheckConnectionResponse{Report: reportToProto(report)}, nil
}

type inboundServer struct {
	atsv1.UnimplementedInboundServiceServer
	inbound ats.Inbound
}

func (s inboundServer) Decode(ctx context.Context, r *atsv1.DecodeRequest) (*atsv1.DecodeResponse, error) {
	command, err := s.inbound.Decode(ctx, inboundFromProto(r.GetRequest()))
	if err != nil {
		return nil, err
	}
	return &atsv1.DecodeResponse{Command: commandToProto(command)}, nil
}

func (s inboundServer) Encode(ctx context.Context, r *atsv1.EncodeRequest) (*atsv1.EncodeResponse, error) {
	outcome := outcomeFromProto(r.GetOutcome())
	if outcome == nil {
		return nil, fault.New(fault.Unsupported, "The adapter does not know this outcome. Nothing was answered; update the adapter.")
	}
	response, err := s.inbound.Encode(ctx, inboundFromProto(r.GetRequest()), outcome)
	if err != nil {
		return nil, err
	}
	return &atsv1.EncodeResponse{Response: responseToProto(response)}, nil
}

type resultsServer struct {
	atsv1.UnimplementedResultsServiceServer
	results ats.Results
	log     *slog.Logger
}

// Deliver answers with the fault inside the reply, because the receipt's
// exchanges are wanted then most.
func (s resultsServer) Deliver(ctx context.Context, r *atsv1.DeliverRequest) (*atsv1.DeliverResponse, error) {
	receipt, err := s.results.Deliver(ctx, deliveryFromProto(r.GetDelivery()))
	return &atsv1.DeliverResponse{Receipt: receiptToProto(receipt), Fault: told(ctx, s.log, atsv1.ResultsService_Deliver_FullMethodName, err)}, nil
}
