package wire

import (
	"github.com/trellis-ats/trellis/core/ats"
	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"
)

func manifestToProto(m *ats.Manifest) *atsv1.Manifest {
	if m == nil {
		return nil
	}
	return &atsv1.Manifest{
		Name: clean(m.Name), Title: clean(m.Title), Version: clean(m.Version),
		Settings: each(m.Settings, settingToProto), Routes: each(m.Routes, routeToProto),
		Capabilities: each(m.Capabilities, capabilityToProto), Sensitive: cleanAll(m.Sensitive),
	}
}

func manifestFromProto(p *atsv1.Manifest) *ats.Manifest {
	if p == nil {
		return nil
	}
	return &ats.Manifest{
		Name: p.GetName(), Title: p.GetTitle(), Version: p.GetVersion(),
		Settings: each(p.GetSettings(), settingFromProto), Routes: each(p.GetRoutes(), routeFromProto),
		Capabilities: each(p.GetCapabilities(), capabilityFromProto), Sensitive: p.GetSensitive(),
	}
}

func settingToProto(s ats.Setting) *atsv1.Setting {
	return &atsv1.Setting{
		Name: clean(s.Name), Label: clean(s.Label), Description: clean(s.Description), Type: clean(string(s.Type)),
		Default: clean(s.Default), Required: s.Required, Secret: s.Secret, Options: cleanAll(s.Options),
	}
}

func settingFromProto(p *atsv1.Setting) ats.Setting {
	return ats.Setting{
		Name: p.GetName(), Label: p.GetLabel(), Description: p.GetDescription(), Type: ats.SettingType(p.GetType()),
		Default: p.GetDefault(), Required: p.GetRequired(), Secret: p.GetSecret(), Options: p.GetOptions(),
	}
}

func routeToProto(r ats.Route) *atsv1.Route {
	return &atsv1.Route{Name: clean(r.Name), Method: clean(r.Method), Path: clean(r.Path), Credential: clean(string(r.Credential))}
}

func routeFromProto(p *atsv1.Route) ats.Route {
	return ats.Route{Name: p.GetName(), Method: p.GetMethod(), Path: p.GetPath(), Credential: ats.Credential(p.GetCredential())}
}

func capabilityToProto(c ats.Capability) *atsv1.Capability {
	return &atsv1.Capability{
		Name: clean(string(c.Name)), Available: c.Available, Reasons: cleanAll(c.Reasons), Constraints: cleanMap(c.Constraints),
	}
}

func capabilityFromProto(p *atsv1.Capability) ats.Capability {
	return ats.Capability{
		Name: ats.CapabilityName(p.GetName()), Available: p.GetAvailable(), Reasons: p.GetReasons(), Constraints: p.GetConstraints(),
	}
}
