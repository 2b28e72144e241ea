package wire

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"
)

// Client speaks the contract over a connection and implements its interfaces.
// Each reply is held against the contract. It is safe for concurrent use.
//
// Errors: what the adapter said; fault.Internal with source Adapter for a reply
// that breaks the contract; fault.Unsupported for what is not served;
// fault.TooLarge for a request over MaxMessage; fault.Retryable, with ErrLost
// or ErrLate in its chain, if no reply came.
//
// A call that writes in the ATS fails with fault.OutcomeUnknown instead, with
// the same in its chain, unless the request surely did not leave, and also if
// the reply breaks the contract or the adapter did not foresee its failure.
// Answers that have a trace are never nil.
type Client struct {
	adapter       atsv1.AdapterServiceClient
	inbound       atsv1.InboundServiceClient
	results       atsv1.ResultsServiceClient
	candidates    atsv1.CandidatesServiceClient
	applications  atsv1.ApplicationsServiceClient
	feedback      atsv1.FeedbackServiceClient
	reference     atsv1.ReferenceServiceClient
	authorization atsv1.AuthorizationServiceClient
	webhooks      atsv1.WebhooksServiceClient
}

var (
	_ ats.Adapter       = (*Client)(nil)
	_ ats.Inbound       = (*Client)(nil)
	_ ats.Results       = (*Client)(nil)
	_ ats.Candidates    = (*Client)(nil)
	_ ats.Applications  = (*Client)(nil)
	_ ats.Feedback      = (*Client)(nil)
	_ ats.Reference     = (*Client)(nil)
	_ ats.Authorization = (*Client)(nil)
	_ ats.Webhooks      = (*Client)(nil)
)

// NewClient returns a client on conn, which was made with DialOptions.
func NewClient(conn grpc.ClientConnInterface) *Client {
	return &Client{
		adapter:       atsv1.NewAdapterServiceClient(conn),
		inbound:       atsv1.NewInboundServiceClient(conn),
		results:       atsv1.NewResultsServiceClient(conn),
		candidates:    atsv1.NewCandidatesServiceClient(conn),
		applications:  atsv1.NewApplicationsServiceClient(conn),
		feedback:      atsv1.NewFeedbackServiceClient(conn),
		reference:     atsv1.NewReferenceServiceClient(conn),
		authorization: atsv1.NewAuthorizationServiceClient(conn),
		webhooks:      atsv1.NewWebhooksServiceClient(conn),
	}
}

// Introduce is Describe, with what is served.
func (c *Client) Introduce(ctx context.Context) (*ats.Manifest, Offer, error) {
	reply, err := invoke(ctx, c.adapter.Describe, &atsv1.DescribeRequest{})
	if err != nil {
		return nil, Offer{}, err
	}
	m := manifestFromProto(reply.GetManifest())
	offer := Offer{services: reply.GetServices()}
	if err := checkManifest(m, offer); err != nil {
		return nil, Offer{}, err
	}
	return m, offer, nil
}

// Describe implements ats.Adapter.
func (c *Client) Describe(ctx context.Context) (*ats.Manifest, error) {
	m, _, err := c.Introduce(ctx)
	return m, err
}

// CheckConnection implements ats.Adapter.
func (c *Client) CheckConnection(ctx context.Context, connection *ats.Connection) (*ats.ConnectionReport, error) {
	reply, err := invoke(ctx, c.adapter.CheckConnection, &atsv1.CheckConnectionRequest{Connection: connectionToProto(connection)})
	if err != nil {
		return nil, err
	}
	report := reportFromProto(reply.GetReport())
	if report == nil {
		return nil, breach("no report of the connection")
	}
	report.Exchanges = bounded(report.Exchanges)
	return report, nil
}

// Decode implements ats.Inbound.
func (c *Client) Decode(ctx context.Context, r *ats.InboundRequest) (ats.Command, error) {
	reply, err := invoke(ctx, c.inbound.Decode, &atsv1.DecodeRequest{Request: inboundToProto(r)})
	if err != nil {
		return nil, err
	}
	command := commandFromProto(reply.GetCommand())
	if err := checkCommand(command); err != nil {
		return nil, err
	}
	return command, nil
}

// Encode implements ats.Inbound.
func (c *Client) Encode(ctx context.Context, r *ats.InboundRequest, o ats.Outcome) (*ats.HTTPResponse, error) {
	reply, err := invoke(ctx, c.inbound.Encode, &atsv1.EncodeRequest{Request: inboundToProto(r), Outcome: outcomeToProto(o)})
	if err != nil {
		return nil, err
	}
	response := responseFromProto(reply.GetResponse())
	if err := checkResponse(response); err != nil {
		return nil, err
	}
	return response, nil
}

// Deliver implements ats.Results.
func (c *Client) Deliver(ctx context.Context, d *ats.Delivery) (*ats.DeliveryReceipt, error) {
	reply, err := invoke(ctx, c.results.Deliver, &atsv1.DeliverRequest{Delivery: deliveryToProto(d)})
	if err != nil {
		return nil, err
	}
	receipt := receiptFromProto(reply.GetReceipt())
	if receipt != nil {
		receipt.Exchanges = bounded(receipt.Exchanges)
	}
	if failed := faultFromProto(reply.GetFault()); failed != nil {
		return receipt, failed
	}
	if receipt == nil {
		return nil, breach("no receipt of a delivery")
	}
	return receipt, nil
}

func invoke[Q proto.Message, R any](ctx context.Context, rpc func(context.Context, Q, ...grpc.CallOption) (R, error), request Q) (R, error) {
	var none R
	if size := proto.Size(request); size > MaxMessage {
		return none, fault.New(fault.TooLarge, "A call of %d bytes is too large for an adapter, which takes %d. Nothing was sent.", size, MaxMessage)
	}
	reply, err := rpc(ctx, request)
	if err != nil {
		return none, fromStatus(ctx, err)
	}
	return reply, nil
}
