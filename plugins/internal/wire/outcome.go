package wire

import (
	"github.com/trellis-ats/trellis/core/ats"
	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"
)

// outcomeToProto returns an empty outcome for one that the contract does not have.
func outcomeToProto(o ats.Outcome) *atsv1.Outcome {
	switch o := o.(type) {
	case *ats.TestList:
		return &atsv1.Outcome{Kind: &atsv1.Outcome_TestList{TestList: &atsv1.TestList{
			Tests: each(o.Tests, func(t ats.TestRecord) *atsv1.TestRecord {
				return &atsv1.TestRecord{Id: clean(t.ID), Name: clean(t.Name), Modality: clean(t.Modality)}
			}),
		}}}
	case *ats.OrderPlaced:
		return &atsv1.Outcome{Kind: &atsv1.Outcome_OrderPlaced{OrderPlaced: &atsv1.OrderPlaced{
			AssessmentIds: cleanAll(o.AssessmentIDs), Repeated: o.Repeated,
		}}}
	case *ats.Status:
		return &atsv1.Outcome{Kind: &atsv1.Outcome_Status{Status: &atsv1.Status{Progress: progressToProto(o.Progress)}}}
	case *ats.ErrorRecorded:
		return &atsv1.Outcome{Kind: &atsv1.Outcome_ErrorRecorded{ErrorRecorded: &atsv1.ErrorRecorded{}}}
	case *ats.ReportLink:
		return &atsv1.Outcome{Kind: &atsv1.Outcome_ReportLink{ReportLink: &atsv1.ReportLink{
			Url: clean(o.URL), ExpiresAt: timestamp(o.ExpiresAt),
		}}}
	case *ats.Refused:
		return &atsv1.Outcome{Kind: &atsv1.Outcome_Refused{Refused: &atsv1.Refused{Fault: faultToProto(o.Fault)}}}
	default:
		return &atsv1.Outcome{}
	}
}

// outcomeFromProto returns nil for an outcome that this side does not know.
func outcomeFromProto(p *atsv1.Outcome) ats.Outcome {
	switch k := p.GetKind().(type) {
	case *atsv1.Outcome_TestList:
		return &ats.TestList{Tests: each(k.TestList.GetTests(), func(t *atsv1.TestRecord) ats.TestRecord {
			return ats.TestRecord{ID: t.GetId(), Name: t.GetName(), Modality: t.GetModality()}
		})}
	case *atsv1.Outcome_OrderPlaced:
		return &ats.OrderPlaced{AssessmentIDs: k.OrderPlaced.GetAssessmentIds(), Repeated: k.OrderPlaced.GetRepeated()}
	case *atsv1.Outcome_Status:
		return &ats.Status{Progress: progressFromProto(k.Status.GetProgress())}
	case *atsv1.Outcome_ErrorRecorded:
		return &ats.ErrorRecorded{}
	case *atsv1.Outcome_ReportLink:
		return &ats.ReportLink{URL: k.ReportLink.GetUrl(), ExpiresAt: moment(k.ReportLink.GetExpiresAt())}
	case *atsv1.Outcome_Refused:
		return &ats.Refused{Fault: faultFromProto(k.Refused.GetFault())}
	default:
		return nil
	}
}
