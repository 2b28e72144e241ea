package coretest

import (
	"context"

	"github.com/trellis-ats/trellis/core/ats"
)

var (
	_ ats.Adapter       = (*ATS)(nil)
	_ ats.Candidates    = (*ATS)(nil)
	_ ats.Applications  = (*ATS)(nil)
	_ ats.Feedback      = (*ATS)(nil)
	_ ats.Reference     = (*ATS)(nil)
	_ ats.Authorization = (*ATS)(nil)
	_ ats.Webhooks      = (*ATS)(nil)
)

// Describe implements ats.Adapter. The settings are those of Adapters.
func (a *ATS) Describe(context.Context) (*ats.Manifest, error) {
	return &ats.Manifest{
		Name: AdapterName, Title: "Fake", Version: "1.0.0", Settings: settings(), Capabilities: a.capabilities(),
		Sensitive: []string{"email", "phone"},
	}, nil
}

func (a *ATS) capabilities() []ats.Capability {
	all := make([]ats.Capability, 0, 10)
	for _, name := range []ats.CapabilityName{
		ats.CapabilityCandidates, ats.CapabilityApplications, ats.CapabilityReference, ats.CapabilityAuthorization,
		ats.CapabilityWebhooks, ats.CapabilityFields, ats.CapabilityAttachments, ats.CapabilityNotes, ats.CapabilityTags,
	} {
		all = append(all, ats.Capability{Name: name, Available: true, Constraints: map[string]string{"requests": "1"}})
	}
	cards := ats.Capability{Name: ats.CapabilityScorecards, Available: a.Scorecards}
	if !a.Scorecards {
		cards.Reasons = []string{"This ATS takes no scorecards."}
	}
	return append(all, cards)
}

// CheckConnection implements ats.Adapter.
func (a *ATS) CheckConnection(ctx context.Context, c *ats.Connection) (*ats.ConnectionReport, error) {
	hook := a.arrived(OpCheck)
	if err := hook(ctx, OpCheck, BeforeCommit); err != nil {
		return nil, err
	}
	if a.Report != nil {
		return a.Report, nil
	}
	token := ats.Check{Name: "token", OK: a.commit(OpCheck, c, func() error { return nil }) == nil, Message: "The access token."}
	return &ats.ConnectionReport{
		Identity: "fake/acme", Account: Account, Checks: []ats.Check{{Name: "settings", OK: true}, token}, Capabilities: a.capabilities(),
	}, nil
}
