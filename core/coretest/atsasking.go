package coretest

import (
	"context"
	"slices"

	"github.com/trellis-ats/trellis/core/ats"
)

// Asking is an ATS whose adapter asks how its connections are authorized, with
// the settings that the host writes when a person connects.
type Asking struct {
	*ATS
	Secret string // of the client; the only one that works
}

// Describe implements ats.Adapter.
func (a *Asking) Describe(ctx context.Context) (*ats.Manifest, error) {
	m, err := a.ATS.Describe(ctx)
	m.Settings = append(slices.Clone(m.Settings),
		ats.Setting{Name: ats.SettingAuthMode, Label: "Mode", Type: ats.TypeChoice, Default: ats.AuthModeNone, Options: []string{
			ats.AuthModeNone, ats.AuthModeClientCredentials, ats.AuthModeAuthorizationCode,
		}},
		ats.Setting{Name: ats.SettingClientID, Label: "Client id", Type: ats.TypeText},
		ats.Setting{Name: ats.SettingClientSecret, Label: "Client secret", Type: ats.TypeText, Secret: true},
		ats.Setting{Name: ats.SettingActingUser, Label: "Acting user", Type: ats.TypeText},
	)
	return m, err
}

// Refresh implements ats.Authorization: it takes the client's secret where the
// ATS takes an API key.
func (a *Asking) Refresh(ctx context.Context, r *ats.RefreshRequest) (*ats.Grant, error) {
	changed := *r
	changed.Connection.Secrets = map[string]string{}
	if r.Connection.Settings[ats.SettingAuthMode] == ats.AuthModeAuthorizationCode {
		changed.Connection.Secrets[ats.SecretRefreshToken] = r.Connection.Secrets[ats.SecretRefreshToken]
	} else if a.Secret != "" && r.Connection.Secrets[ats.SettingClientSecret] == a.Secret {
		changed.Connection.Secrets["api_key"] = a.Secret
	}
	return a.ATS.Refresh(ctx, &changed)
}
