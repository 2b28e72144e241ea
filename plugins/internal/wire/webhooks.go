package wire

import (
	"context"

	"github.com/trellis-ats/trellis/core/ats"
	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"
)

// Receive implements ats.Webhooks.
func (c *Client) Receive(ctx context.Context, r *ats.WebhookRequest) (*ats.Verdict, error) {
	reply, err := invoke(ctx, c.webhooks.Receive, &atsv1.ReceiveRequest{Request: webhookToProto(r)})
	if err != nil {
		return nil, err
	}
	verdict := verdictFromProto(reply.GetVerdict())
	if err := checkVerdict(verdict); err != nil {
		return nil, err
	}
	return verdict, nil
}

// Translate implements ats.Webhooks.
func (c *Client) Translate(ctx context.Context, r *ats.WebhookRequest) (*ats.Translation, error) {
	reply, err := invoke(ctx, c.webhooks.Translate, &atsv1.TranslateRequest{Request: webhookToProto(r)})
	if err != nil {
		return nil, err
	}
	translation := translationFromProto(reply.GetTranslation())
	if err := checkTranslation(translation); err != nil {
		return nil, err
	}
	return translation, nil
}

type webhooksServer struct {
	atsv1.UnimplementedWebhooksServiceServer
	webhooks ats.Webhooks
}

func (s webhooksServer) Receive(ctx context.Context, r *atsv1.ReceiveRequest) (*atsv1.ReceiveResponse, error) {
	verdict, err := s.webhooks.Receive(ctx, webhookFromProto(r.GetRequest()))
	if err != nil {
		return nil, err
	}
	return &atsv1.ReceiveResponse{Verdict: verdictToProto(verdict)}, nil
}

func (s webhooksServer) Translate(ctx context.Context, r *atsv1.TranslateRequest) (*atsv1.TranslateResponse, error) {
	translation, err := s.webhooks.Translate(ctx, webhookFromProto(r.GetRequest()))
	if err != nil {
		return nil, err
	}
	return &atsv1.TranslateResponse{Translation: translationToProto(translation)}, nil
}

func webhookToProto(r *ats.WebhookRequest) *atsv1.WebhookRequest {
	return &atsv1.WebhookRequest{Connection: connectionToProto(&r.Connection), Http: requestToProto(r.HTTP)}
}

func webhookFromProto(p *atsv1.WebhookRequest) *ats.WebhookRequest {
	return &ats.WebhookRequest{Connection: *connectionFromProto(p.GetConnection()), HTTP: requestFromProto(p.GetHttp())}
}

func verdictToProto(v *ats.Verdict) *atsv1.Verdict {
	if v == nil {
		return nil
	}
	return &atsv1.Verdict{
		Verified: v.Verified, Reason: clean(v.Reason), Integrity: clean(string(v.Integrity)), Action: clean(v.Action), Ping: v.Ping,
		EventId: clean(v.EventID), Content: clean(v.Content), Answer: responseToProto(&v.Answer),
	}
}

func verdictFromProto(p *atsv1.Verdict) *ats.Verdict {
	if p == nil {
		return nil
	}
	v := &ats.Verdict{
		Verified: p.GetVerified(), Reason: p.GetReason(), Integrity: ats.Integrity(p.GetIntegrity()), Action: p.GetAction(), Ping: p.GetPing(),
		EventID: p.GetEventId(), Content: p.GetContent(),
	}
	if answer := responseFromProto(p.GetAnswer()); answer != nil {
		v.Answer = *answer
	}
	return v
}

func translationToProto(t *ats.Translation) *atsv1.Translation {
	if t == nil {
		return nil
	}
	return &atsv1.Translation{Known: t.Known, Events: each(t.Events, eventToProto)}
}

func translationFromProto(p *atsv1.Translation) *ats.Translation {
	if p == nil {
		return nil
	}
	return &ats.Translation{Known: p.GetKnown(), Events: each(p.GetEvents(), eventFromProto)}
}

func eventToProto(e ats.Event) *atsv1.Event {
	p := &atsv1.Event{
		Kind: clean(string(e.Kind)), CandidateId: clean(e.CandidateID), ApplicationId: clean(e.ApplicationID), Applications: cleanAll(e.Applications),
		JobId: clean(e.JobID), StageId: clean(e.StageID), StageName: clean(e.StageName), MergedInto: clean(e.MergedInto),
		State: clean(string(e.State)), At: timestamp(e.At),
	}
	if e.Person != nil {
		p.Person = candidateToProto(*e.Person)
	}
	return p
}

func eventFromProto(p *atsv1.Event) ats.Event {
	e := ats.Event{
		Kind: ats.EventKind(p.GetKind()), CandidateID: p.GetCandidateId(), ApplicationID: p.GetApplicationId(), Applications: p.GetApplications(),
		JobID: p.GetJobId(), StageID: p.GetStageId(), StageName: p.GetStageName(), MergedInto: p.GetMergedInto(),
		State: ats.ApplicationState(p.GetState()), At: moment(p.GetAt()),
	}
	if p.GetPerson() != nil {
		person := candidateFromProto(p.GetPerson())
		e.Person = &person
	}
	return e
}
