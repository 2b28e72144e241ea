package wire

import (
	"github.com/trellis-ats/trellis/core/ats"
	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"
)

// commandToProto returns an empty command for one that the contract does not
// have; the host tells what is wrong with it.
func commandToProto(c ats.Command) *atsv1.Command {
	switch c := c.(type) {
	case *ats.ListTests:
		return &atsv1.Command{Kind: &atsv1.Command_ListTests{ListTests: &atsv1.ListTests{}}}
	case *ats.PlaceOrder:
		return &atsv1.Command{Kind: &atsv1.Command_PlaceOrder{PlaceOrder: &atsv1.PlaceOrder{
			Items: each(c.Items, itemToProto), Candidate: candidateToProto(c.Candidate),
			OrderedBy: clean(c.OrderedBy), Order: orderToProto(c.Order),
		}}}
	case *ats.ReadStatus:
		return &atsv1.Command{Kind: &atsv1.Command_ReadStatus{ReadStatus: &atsv1.ReadStatus{
			AssessmentId: clean(c.AssessmentID), Key: clean(c.Key),
		}}}
	case *ats.RecordError:
		return &atsv1.Command{Kind: &atsv1.Command_RecordError{RecordError: &atsv1.RecordError{
			Operation: clean(c.Operation), Errors: cleanAll(c.Errors), AssessmentId: clean(c.AssessmentID), TestId: clean(c.TestID),
		}}}
	case *ats.ReadReport:
		return &atsv1.Command{Kind: &atsv1.Command_ReadReport{ReadReport: &atsv1.ReadReport{AssessmentId: clean(c.AssessmentID)}}}
	default:
		return &atsv1.Command{}
	}
}

// commandFromProto returns nil for a command that this side does not know.
func commandFromProto(p *atsv1.Command) ats.Command {
	switch k := p.GetKind().(type) {
	case *atsv1.Command_ListTests:
		return &ats.ListTests{}
	case *atsv1.Command_PlaceOrder:
		o := k.PlaceOrder
		return &ats.PlaceOrder{
			Items: each(o.GetItems(), itemFromProto), Candidate: candidateFromProto(o.GetCandidate()),
			OrderedBy: o.GetOrderedBy(), Order: orderFromProto(o.GetOrder()),
		}
	case *atsv1.Command_ReadStatus:
		return &ats.ReadStatus{AssessmentID: k.ReadStatus.GetAssessmentId(), Key: k.ReadStatus.GetKey()}
	case *atsv1.Command_RecordError:
		e := k.RecordError
		return &ats.RecordError{Operation: e.GetOperation(), Errors: e.GetErrors(), AssessmentID: e.GetAssessmentId(), TestID: e.GetTestId()}
	case *atsv1.Command_ReadReport:
		return &ats.ReadReport{AssessmentID: k.ReadReport.GetAssessmentId()}
	default:
		return nil
	}
}
