package wire

import (
	"log/slog"
	"slices"

	"google.golang.org/grpc"

	"github.com/trellis-ats/trellis/core/ats"
	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"
)

// Offer says which of the optional interfaces are served.
type Offer struct{ services []string }

// Serves reports whether the interface of a capability is served.
func (o Offer) Serves(c ats.CapabilityName) bool {
	service, known := serviceOf(c)
	return known && slices.Contains(o.services, service)
}

// serviceOf returns the full name of the service that a capability needs. The
// parts of Feedback need the same one.
func serviceOf(c ats.CapabilityName) (name string, known bool) {
	switch c {
	case ats.CapabilityInbound:
		return atsv1.InboundService_ServiceDesc.ServiceName, true
	case ats.CapabilityResults:
		return atsv1.ResultsService_ServiceDesc.ServiceName, true
	case ats.CapabilityCandidates:
		return atsv1.CandidatesService_ServiceDesc.ServiceName, true
	case ats.CapabilityApplications:
		return atsv1.ApplicationsService_ServiceDesc.ServiceName, true
	case ats.CapabilityReference:
		return atsv1.ReferenceService_ServiceDesc.ServiceName, true
	case ats.CapabilityAuthorization:
		return atsv1.AuthorizationService_ServiceDesc.ServiceName, true
	case ats.CapabilityWebhooks:
		return atsv1.WebhooksService_ServiceDesc.ServiceName, true
	case ats.CapabilityFields, ats.CapabilityAttachments, ats.CapabilityNotes, ats.CapabilityTags, ats.CapabilityScorecards:
		return atsv1.FeedbackService_ServiceDesc.ServiceName, true
	default:
		return "", false
	}
}

// checkOffer holds the adapter to what it announces. A capability that this
// side does not know is a newer one, and nobody asks for it.
func checkOffer(m *ats.Manifest, offer Offer) error {
	for _, c := range m.Capabilities {
		if _, known := serviceOf(c.Name); known && c.Available && !offer.Serves(c.Name) {
			return breach("it announces %s and does not serve it", c.Name)
		}
	}
	return nil
}

// Register serves what adapter implements; what it does not is not offered.
func Register(s *grpc.Server, adapter ats.Adapter, log *slog.Logger) {
	r := registrar{server: s}
	if a, ok := adapter.(ats.Inbound); ok {
		r.add(&atsv1.InboundService_ServiceDesc, inboundServer{inbound: a})
	}
	if a, ok := adapter.(ats.Results); ok {
		r.add(&atsv1.ResultsService_ServiceDesc, resultsServer{results: a, log: log})
	}
	if a, ok := adapter.(ats.Candidates); ok {
		r.add(&atsv1.CandidatesService_ServiceDesc, candidatesServer{candidates: a, log: log})
	}
	if a, ok := adapter.(ats.Applications); ok {
		r.add(&atsv1.ApplicationsService_ServiceDesc, applicationsServer{applications: a, log: log})
	}
	if a, ok := adapter.(ats.Feedback); ok {
		r.add(&atsv1.FeedbackService_ServiceDesc, feedbackServer{feedback: a, log: log})
	}
	if a, ok := adapter.(ats.Reference); ok {
		r.add(&atsv1.ReferenceService_ServiceDesc, referenceServer{reference: a, log: log})
	}
	if a, ok := adapter.(ats.Authorization); ok {
		r.add(&atsv1.AuthorizationService_ServiceDesc, authorizationServer{authorization: a, log: log})
	}
	if a, ok := adapter.(ats.Webhooks); ok {
		r.add(&atsv1.WebhooksService_ServiceDesc, webhooksServer{webhooks: a})
	}
	r.names = append(r.names, atsv1.AdapterService_ServiceDesc.ServiceName)
	atsv1.RegisterAdapterServiceServer(s, adapterServer{adapter: adapter, services: r.names})
}

// registrar registers services and keeps their names.
type registrar struct {
	server *grpc.Server
	names  []string
}

func (r *registrar) add(desc *grpc.ServiceDesc, service any) {
	r.server.RegisterService(desc, service)
	r.names = append(r.names, desc.ServiceName)
}
