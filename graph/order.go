package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

// The mutations of assessments.

func (r mutationResolver) CreateAssessment(ctx context.Context, input model.CreateAssessmentInput) (*generated.CreateAssessmentPayload, error) {
	key, err := keyOf(input.IdempotencyKey, input.NewOrder)
	if err != nil {
		return nil, err
	}
	a, err := r.Assessments.Create(ctx, actorOf(ctx), input.NewOrder, key)
	refused, err := refusals(err, "")
	return &generated.CreateAssessmentPayload{Assessment: model.NewAssessment(a), UserErrors: refused}, err
}

func (r mutationResolver) StartAssessment(ctx context.Context, input generated.StartAssessmentInput) (*generated.StartAssessmentPayload, error) {
	a, err := r.Assessments.Start(ctx, actorOf(ctx), input.AssessmentID, orZero(input.LaunchToken))
	refused, err := refusals(err, "assessmentId")
	return &generated.StartAssessmentPayload{Assessment: model.NewAssessment(a), UserErrors: refused}, err
}

func (r mutationResolver) CompleteAssessment(ctx context.Context, input core.Completion) (*generated.CompleteAssessmentPayload, error) {
	a, err := r.Assessments.Complete(ctx, actorOf(ctx), input)
	refused, err := refusals(err, "assessmentId")
	return &generated.CompleteAssessmentPayload{Assessment: model.NewAssessment(a), UserErrors: refused}, err
}

func (r mutationResolver) CancelAssessment(ctx context.Context, input generated.CancelAssessmentInput) (*generated.CancelAssessmentPayload, error) {
	a, err := r.Assessments.Cancel(ctx, actorOf(ctx), input.AssessmentID, orZero(input.Reason))
	refused, err := refusals(err, "assessmentId")
	return &generated.CancelAssessmentPayload{Assessment: model.NewAssessment(a), UserErrors: refused}, err
}

func (r mutationResolver) AssignJob(ctx context.Context, input generated.AssignJobInput) (*generated.AssignJobPayload, error) {
	a, err := r.Assessments.AssignJob(ctx, actorOf(ctx), input.AssessmentID, orZero(input.JobID))
	refused, err := refusals(err, "assessmentId")
	return &generated.AssignJobPayload{Assessment: model.NewAssessment(a), UserErrors: refused}, err
}

func (r mutationResolver) ResendInvitation(ctx context.Context, input generated.ResendInvitationInput) (*generated.ResendInvitationPayload, error) {
	a, err := r.Assessments.Resend(ctx, actorOf(ctx), input.AssessmentID)
	refused, err := refusals(err, "assessmentId")
	return &generated.ResendInvitationPayload{Assessment: model.NewAssessment(a), UserErrors: refused}, err
}

func (r mutationResolver) RetryDelivery(ctx context.Context, input generated.RetryDeliveryInput) (*generated.RetryDeliveryPayload, error) {
	a, err := r.Assessments.Redeliver(ctx, actorOf(ctx), input.AssessmentID)
	refused, err := refusals(err, "assessmentId")
	return &generated.RetryDeliveryPayload{Assessment: model.NewAssessment(a), UserErrors: refused}, err
}

func (r mutationResolver) RevokeReportLink(ctx context.Context, input generated.RevokeReportLinkInput) (*generated.RevokeReportLinkPayload, error) {
	a, err := r.Reports.Revoke(ctx, actorOf(ctx), input.AssessmentID)
	refused, err := refusals(err, "assessmentId")
	return &generated.RevokeReportLinkPayload{Assessment: model.NewAssessment(a), UserErrors: refused}, err
}
