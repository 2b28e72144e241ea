package wire

import (
	"context"
	"log/slog"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"
)

// maxAttachment is the most bytes of an attachment; they fit into MaxMessage.
const maxAttachment = 4 << 20

// SetFields implements ats.Feedback.
func (c *Client) SetFields(ctx context.Context, r *ats.FieldsRequest) (*ats.FeedbackReceipt, error) {
	return feed(ctx, atsv1.FeedbackService_SetFields_FullMethodName, c.feedback.SetFields, &atsv1.SetFieldsRequest{
		Target: targetToProto(r.Target), Fields: each(r.Fields, fieldToProto),
	})
}

// Attach implements ats.Feedback. Errors also: fault.TooLarge, and nothing was
// sent.
func (c *Client) Attach(ctx context.Context, r *ats.AttachRequest) (*ats.FeedbackReceipt, error) {
	if size := len(r.Content); size > maxAttachment {
		return &ats.FeedbackReceipt{}, fault.New(fault.TooLarge, "An attachment of %d bytes is too large; at most %d can be sent. Nothing was sent.", size, maxAttachment)
	}
	return feed(ctx, atsv1.FeedbackService_Attach_FullMethodName, c.feedback.Attach, &atsv1.AttachRequest{
		Target: targetToProto(r.Target), FileName: clean(r.FileName), MediaType: clean(r.MediaType), Content: r.Content,
	})
}

// AddNote implements ats.Feedback.
func (c *Client) AddNote(ctx context.Context, r *ats.NoteRequest) (*ats.FeedbackReceipt, error) {
	return feed(ctx, atsv1.FeedbackService_AddNote_FullMethodName, c.feedback.AddNote, &atsv1.AddNoteRequest{
		Target: targetToProto(r.Target), Body: clean(r.Body), Marker: clean(r.Marker),
	})
}

// AddTag implements ats.Feedback.
func (c *Client) AddTag(ctx context.Context, r *ats.TagRequest) (*ats.FeedbackReceipt, error) {
	return feed(ctx, atsv1.FeedbackService_AddTag_FullMethodName, c.feedback.AddTag, &atsv1.AddTagRequest{
		Target: targetToProto(r.Target), Name: clean(r.Name),
	})
}

// Scorecard implements ats.Feedback.
func (c *Client) Scorecard(ctx context.Context, r *ats.ScorecardRequest) (*ats.FeedbackReceipt, error) {
	return feed(ctx, atsv1.FeedbackService_Scorecard_FullMethodName, c.feedback.Scorecard, &atsv1.ScorecardRequest{
		Target: targetToProto(r.Target), Recommendation: clean(string(r.Recommendation)), Score: r.Score, Traits: each(r.Traits, traitToProto),
		Summary: clean(r.Summary), ReportUrl: clean(r.ReportURL), Marker: clean(r.Marker),
	})
}

// feed asks for one piece of feedback.
func feed[Q proto.Message, R replied[*atsv1.FeedbackReceipt]](
	ctx context.Context, method string, rpc func(context.Context, Q, ...grpc.CallOption) (R, error), request Q,
) (*ats.FeedbackReceipt, error) {
	return ask(ctx, question[Q, R, *atsv1.FeedbackReceipt, *ats.FeedbackReceipt]{
		method: method, rpc: rpc, request: request, read: feedbackReceiptFromProto,
		check: func(*ats.FeedbackReceipt) error { return nil },
	})
}

type feedbackServer struct {
	atsv1.UnimplementedFeedbackServiceServer
	feedback ats.Feedback
	log      *slog.Logger
}

func (s feedbackServer) SetFields(ctx context.Context, r *atsv1.SetFieldsRequest) (*atsv1.SetFieldsResponse, error) {
	answer, err := s.feedback.SetFields(ctx, &ats.FieldsRequest{Target: targetFromProto(r.GetTarget()), Fields: each(r.GetFields(), fieldFromProto)})
	return &atsv1.SetFieldsResponse{Answer: feedbackReceiptToProto(answer), Fault: told(ctx, s.log, atsv1.FeedbackService_SetFields_FullMethodName, err)}, nil
}

func (s feedbackServer) Attach(ctx context.Context, r *atsv1.AttachRequest) (*atsv1.AttachResponse, error) {
	answer, err := s.feedback.Attach(ctx, &ats.AttachRequest{
		Target: targetFromProto(r.GetTarget()), FileName: r.GetFileName(), MediaType: r.GetMediaType(), Content: r.GetContent(),
	})
	return &atsv1.AttachResponse{Answer: feedbackReceiptToProto(answer), Fault: told(ctx, s.log, atsv1.FeedbackService_Attach_FullMethodName, err)}, nil
}

func (s feedbackServer) AddNote(ctx context.Context, r *atsv1.AddNoteRequest) (*atsv1.AddNoteResponse, error) {
	answer, err := s.feedback.AddNote(ctx, &ats.NoteRequest{Target: targetFromProto(r.GetTarget()), Body: r.GetBody(), Marker: r.GetMarker()})
	return &atsv1.AddNoteResponse{Answer: feedbackReceiptToProto(answer), Fault: told(ctx, s.log, atsv1.FeedbackService_AddNote_FullMethodName, err)}, nil
}

func (s feedbackServer) AddTag(ctx context.Context, r *atsv1.AddTagRequest) (*atsv1.AddTagResponse, error) {
	answer, err := s.feedback.AddTag(ctx, &ats.TagRequest{Target: targetFromProto(r.GetTarget()), Name: r.GetName()})
	return &atsv1.AddTagResponse{Answer: feedbackReceiptToProto(answer), Fault: told(ctx, s.log, atsv1.FeedbackService_AddTag_FullMethodName, err)}, nil
}

func (s feedbackServer) Scorecard(ctx context.Context, r *atsv1.ScorecardRequest) (*atsv1.ScorecardResponse, error) {
	answer, err := s.feedback.Scorecard(ctx, &ats.ScorecardRequest{
		Target: targetFromProto(r.GetTarget()), Recommendation: ats.Recommendation(r.GetRecommendation()), Score: r.GetScore(),
		Traits: each(r.GetTraits(), traitFromProto), Summary: r.GetSummary(), ReportURL: r.GetReportUrl(), Marker: r.GetMarker(),
	})
	return &atsv1.ScorecardResponse{Answer: feedbackReceiptToProto(answer), Fault: told(ctx, s.log, atsv1.FeedbackService_Scorecard_FullMethodName, err)}, nil
}

func targetToProto(t ats.Target) *atsv1.Target {
	return &atsv1.Target{Connection: connectionToProto(&t.Connection), CandidateId: clean(t.CandidateID), ApplicationId: clean(t.ApplicationID)}
}

func targetFromProto(p *atsv1.Target) ats.Target {
	return ats.Target{Connection: *connectionFromProto(p.GetConnection()), CandidateID: p.GetCandidateId(), ApplicationID: p.GetApplicationId()}
}

func fieldToProto(f ats.FieldValue) *atsv1.FieldValue {
	return &atsv1.FieldValue{Owner: clean(string(f.Owner)), Key: clean(f.Key), Text: clean(f.Text), Number: f.Number, IsNumber: f.IsNumber}
}

func fieldFromProto(p *atsv1.FieldValue) ats.FieldValue {
	return ats.FieldValue{Owner: ats.FieldOwner(p.GetOwner()), Key: p.GetKey(), Text: p.GetText(), Number: p.GetNumber(), IsNumber: p.GetIsNumber()}
}

func feedbackReceiptToProto(r *ats.FeedbackReceipt) *atsv1.FeedbackReceipt {
	if r == nil {
		return nil
	}
	return &atsv1.FeedbackReceipt{Reference: clean(r.Reference), Existed: r.Existed, Trace: traceToProto(r.Trace)}
}

func feedbackReceiptFromProto(p *atsv1.FeedbackReceipt) *ats.FeedbackReceipt {
	return &ats.FeedbackReceipt{Reference: p.GetReference(), Existed: p.GetExisted(), Trace: traceFromProto(p.GetTrace())}
}
