package model

import (
	"github.com/99designs/gqlgen/graphql"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// The enums are core's own types. Their values were checked against the schema
// before they are read here.

func enum[T ~string](v any) (T, error) {
	text, err := graphql.UnmarshalString(v)
	return T(text), err
}

// MarshalRole writes a role.
func MarshalRole(r core.Role) graphql.Marshaler { return graphql.MarshalString(string(r)) }

// UnmarshalRole reads a role.
func UnmarshalRole(v any) (core.Role, error) { return enum[core.Role](v) }

// MarshalModality writes a modality.
func MarshalModality(m core.Modality) graphql.Marshaler { return graphql.MarshalString(string(m)) }

// UnmarshalModality reads a modality.
func UnmarshalModality(v any) (core.Modality, error) { return enum[core.Modality](v) }

// MarshalAssessmentStatus writes a status.
func MarshalAssessmentStatus(s core.Status) graphql.Marshaler {
	return graphql.MarshalString(string(s))
}

// UnmarshalAssessmentStatus reads a status.
func UnmarshalAssessmentStatus(v any) (core.Status, error) { return enum[core.Status](v) }

// MarshalDeliveryState writes a delivery's state.
func MarshalDeliveryState(s core.DeliveryState) graphql.Marshaler {
	return graphql.MarshalString(string(s))
}

// UnmarshalDeliveryState reads a delivery's state.
func UnmarshalDeliveryState(v any) (core.DeliveryState, error) { return enum[core.DeliveryState](v) }

// MarshalSyncDirection writes a direction.
func MarshalSyncDirection(d core.Direction) graphql.Marshaler {
	return graphql.MarshalString(string(d))
}

// UnmarshalSyncDirection reads a direction.
func UnmarshalSyncDirection(v any) (core.Direction, error) { return enum[core.Direction](v) }

// MarshalSyncOutcome writes an outcome.
func MarshalSyncOutcome(o core.SyncOutcome) graphql.Marshaler {
	return graphql.MarshalString(string(o))
}

// UnmarshalSyncOutcome reads an outcome.
func UnmarshalSyncOutcome(v any) (core.SyncOutcome, error) { return enum[core.SyncOutcome](v) }

// MarshalUserErrorCode writes the class of a refusal.
func MarshalUserErrorCode(c fault.Code) graphql.Marshaler { return graphql.MarshalString(string(c)) }

// UnmarshalUserErrorCode reads the class of a refusal.
func UnmarshalUserErrorCode(v any) (fault.Code, error) { return enum[fault.Code](v) }

// MarshalPermission writes a permission.
func MarshalPermission(v core.Permission) graphql.Marshaler { return graphql.MarshalString(string(v)) }

// UnmarshalPermission reads a permission.
func UnmarshalPermission(v any) (core.Permission, error) { return enum[core.Permission](v) }

// MarshalDecision writes a decision.
func MarshalDecision(v core.Decision) graphql.Marshaler { return graphql.MarshalString(string(v)) }

// UnmarshalDecision reads a decision.
func UnmarshalDecision(v any) (core.Decision, error) { return enum[core.Decision](v) }

// MarshalATSOutcome writes what the ATS told.
func MarshalATSOutcome(v core.ATSOutcome) graphql.Marshaler { return graphql.MarshalString(string(v)) }

// UnmarshalATSOutcome reads what the ATS told.
func UnmarshalATSOutcome(v any) (core.ATSOutcome, error) { return enum[core.ATSOutcome](v) }

// MarshalWebhookScope writes a scope.
func MarshalWebhookScope(v core.InboundScope) graphql.Marshaler {
	return graphql.MarshalString(string(v))
}

// UnmarshalWebhookScope reads a scope.
func UnmarshalWebhookScope(v any) (core.InboundScope, error) { return enum[core.InboundScope](v) }

// MarshalWebhookState writes a web hook's state.
func MarshalWebhookState(v core.WebhookState) graphql.Marshaler {
	return graphql.MarshalString(string(v))
}

// UnmarshalWebhookState reads a web hook's state.
func UnmarshalWebhookState(v any) (core.WebhookState, error) { return enum[core.WebhookState](v) }

// MarshalApplicationOrigin writes where an application is known from.
func MarshalApplicationOrigin(v core.ApplicationOrigin) graphql.Marshaler {
	return graphql.MarshalString(string(v))
}

// UnmarshalApplicationOrigin reads where an application is known from.
func UnmarshalApplicationOrigin(v any) (core.ApplicationOrigin, error) {
	return enum[core.ApplicationOrigin](v)
}

// MarshalApplicationState writes how an application stands.
func MarshalApplicationState(v ats.ApplicationState) graphql.Marshaler {
	return graphql.MarshalString(string(v))
}

// UnmarshalApplicationState reads how an application stands.
func UnmarshalApplicationState(v any) (ats.ApplicationState, error) {
	return enum[ats.ApplicationState](v)
}

// MarshalHealthStatus writes how a connection is.
func MarshalHealthStatus(v core.HealthStatus) graphql.Marshaler {
	return graphql.MarshalString(string(v))
}

// UnmarshalHealthStatus reads how a connection is.
func UnmarshalHealthStatus(v any) (core.HealthStatus, error) { return enum[core.HealthStatus](v) }

// MarshalAuthorizationState writes whether a connection's tokens work.
func MarshalAuthorizationState(v core.AuthorizationState) graphql.Marshaler {
	return graphql.MarshalString(string(v))
}

// UnmarshalAuthorizationState reads whether a connection's tokens work.
func UnmarshalAuthorizationState(v any) (core.AuthorizationState, error) {
	return enum[core.AuthorizationState](v)
}

// MarshalReferenceKind writes a kind of things to choose from.
func MarshalReferenceKind(v ats.ReferenceKind) graphql.Marshaler {
	return graphql.MarshalString(string(v))
}

// UnmarshalReferenceKind reads a kind of things to choose from.
func UnmarshalReferenceKind(v any) (ats.ReferenceKind, error) { return enum[ats.ReferenceKind](v) }

// MarshalAdapterStatus writes how an adapter's process is.
func MarshalAdapterStatus(v AdapterStatus) graphql.Marshaler { return graphql.MarshalString(string(v)) }

// UnmarshalAdapterStatus reads how an adapter's process is.
func UnmarshalAdapterStatus(v any) (AdapterStatus, error) { return enum[AdapterStatus](v) }

// MarshalSettingType writes a setting's type.
func MarshalSettingType(v ats.SettingType) graphql.Marshaler { return graphql.MarshalString(string(v)) }

// UnmarshalSettingType reads a setting's type.
func UnmarshalSettingType(v any) (ats.SettingType, error) { return enum[ats.SettingType](v) }

// AdapterStatus is how an adapter's process is.
type AdapterStatus string
