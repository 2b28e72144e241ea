package wire

import (
	"github.com/trellis-ats/trellis/core/ats"
	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"
)

func orderToProto(o ats.Order) *atsv1.Order {
	return &atsv1.Order{
		ExternalId: clean(o.ExternalID), CallbackUrl: clean(o.CallbackURL), Reference: cleanMap(o.Reference), Warnings: cleanAll(o.Warnings),
	}
}

func orderFromProto(p *atsv1.Order) ats.Order {
	return ats.Order{
		ExternalID: p.GetExternalId(), CallbackURL: p.GetCallbackUrl(), Reference: p.GetReference(), Warnings: p.GetWarnings(),
	}
}

func itemToProto(i ats.OrderItem) *atsv1.OrderItem {
	return &atsv1.OrderItem{Key: clean(i.Key), TestId: clean(i.TestID)}
}

func itemFromProto(p *atsv1.OrderItem) ats.OrderItem {
	return ats.OrderItem{Key: p.GetKey(), TestID: p.GetTestId()}
}

func candidateToProto(c ats.CandidateRecord) *atsv1.CandidateRecord {
	return &atsv1.CandidateRecord{
		ExternalId: clean(c.ExternalID), ApplicationId: clean(c.ApplicationID), ProfileUrl: clean(c.ProfileURL),
		FirstName: clean(c.FirstName), LastName: clean(c.LastName), PreferredName: clean(c.PreferredName),
		Email: clean(c.Email), Phone: clean(c.Phone), ResumeUrl: clean(c.ResumeURL),
	}
}

func candidateFromProto(p *atsv1.CandidateRecord) ats.CandidateRecord {
	return ats.CandidateRecord{
		ExternalID: p.GetExternalId(), ApplicationID: p.GetApplicationId(), ProfileURL: p.GetProfileUrl(),
		FirstName: p.GetFirstName(), LastName: p.GetLastName(), PreferredName: p.GetPreferredName(),
		Email: p.GetEmail(), Phone: p.GetPhone(), ResumeURL: p.GetResumeUrl(),
	}
}

func progressToProto(p ats.Progress) *atsv1.Progress {
	return &atsv1.Progress{
		AssessmentId: clean(p.AssessmentID), State: clean(string(p.State)),
		OrderedAt: timestamp(p.OrderedAt), StartedAt: timestamp(p.StartedAt), CompletedAt: timestamp(p.CompletedAt),
		Result: resultToProto(p.Result),
	}
}

func progressFromProto(p *atsv1.Progress) ats.Progress {
	return ats.Progress{
		AssessmentID: p.GetAssessmentId(), State: ats.State(p.GetState()),
		OrderedAt: moment(p.GetOrderedAt()), StartedAt: moment(p.GetStartedAt()), CompletedAt: moment(p.GetCompletedAt()),
		Result: resultFromProto(p.GetResult()),
	}
}

func resultToProto(r *ats.ResultRecord) *atsv1.ResultRecord {
	if r == nil {
		return nil
	}
	return &atsv1.ResultRecord{
		Score: r.Score, Revision: int64(r.Revision),
		Traits:    each(r.Traits, traitToProto),
		Benchmark: clean(r.Benchmark), Summary: clean(r.Summary), ReportUrl: clean(r.ReportURL),
		Indicator: clean(r.Indicator), Recommendation: clean(r.Recommendation),
	}
}

func resultFromProto(p *atsv1.ResultRecord) *ats.ResultRecord {
	if p == nil {
		return nil
	}
	return &ats.ResultRecord{
		Score: p.GetScore(), Revision: int(p.GetRevision()),
		Traits:    each(p.GetTraits(), traitFromProto),
		Benchmark: p.GetBenchmark(), Summary: p.GetSummary(), ReportURL: p.GetReportUrl(),
		Indicator: p.GetIndicator(), Recommendation: p.GetRecommendation(),
	}
}

func traitToProto(t ats.TraitRecord) *atsv1.TraitRecord {
	return &atsv1.TraitRecord{Key: clean(t.Key), Name: clean(t.Name), Score: t.Score}
}

func traitFromProto(p *atsv1.TraitRecord) ats.TraitRecord {
	return ats.TraitRecord{Key: p.GetKey(), Name: p.GetName(), Score: p.GetScore()}
}
