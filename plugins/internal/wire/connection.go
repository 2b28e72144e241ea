package wire

import (
	"github.com/trellis-ats/trellis/core/ats"
	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"
)

func connectionToProto(c *ats.Connection) *atsv1.Connection {
	if c == nil {
		return nil
	}
	return &atsv1.Connection{
		Id: clean(c.ID), Settings: cleanMap(c.Settings), Secrets: cleanMap(c.Secrets), Actor: clean(c.Actor), Vendor: cleanMap(c.Vendor),
	}
}

// connectionFromProto never returns nil, so that an adapter need not check.
func connectionFromProto(p *atsv1.Connection) *ats.Connection {
	return &ats.Connection{
		ID: p.GetId(), Settings: p.GetSettings(), Secrets: p.GetSecrets(), Actor: p.GetActor(), Vendor: p.GetVendor(),
	}
}

func reportToProto(r *ats.ConnectionReport) *atsv1.ConnectionReport {
	if r == nil {
		return nil
	}
	return &atsv1.ConnectionReport{
		Identity: clean(r.Identity), Account: clean(r.Account), Missing: cleanAll(r.Missing), ClockSkew: duration(r.ClockSkew),
		Checks: each(r.Checks, func(c ats.Check) *atsv1.Check {
			return &atsv1.Check{Name: clean(c.Name), Ok: c.OK, Message: clean(c.Message)}
		}),
		Capabilities: each(r.Capabilities, capabilityToProto), Exchanges: each(r.Exchanges, exchangeToProto),
	}
}

func reportFromProto(p *atsv1.ConnectionReport) *ats.ConnectionReport {
	if p == nil {
		return nil
	}
	return &ats.ConnectionReport{
		Identity: p.GetIdentity(), Account: p.GetAccount(), Missing: p.GetMissing(), ClockSkew: p.GetClockSkew().AsDuration(),
		Checks: each(p.GetChecks(), func(c *atsv1.Check) ats.Check {
			return ats.Check{Name: c.GetName(), OK: c.GetOk(), Message: c.GetMessage()}
		}),
		Capabilities: each(p.GetCapabilities(), capabilityFromProto), Exchanges: each(p.GetExchanges(), exchangeFromProto),
	}
}
