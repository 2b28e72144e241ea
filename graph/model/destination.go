package model

import (
	"github.com/99designs/gqlgen/graphql"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
)

// PushDestination is where a datum goes, as callers see it.
type PushDestination struct{ *core.Destination }

// Trait is nil for other data than TRAIT.
func (d PushDestination) Trait() *string { return optional(d.Destination.Trait) }

// FieldKey is nil for other kinds than FIELD.
func (d PushDestination) FieldKey() *string { return optional(d.Destination.FieldKey) }

// Owner is nil for other kinds than FIELD.
func (d PushDestination) Owner() *ats.FieldOwner {
	if d.Destination.Owner == "" {
		return nil
	}
	return &d.Destination.Owner
}

// TagName is nil for other kinds than TAG.
func (d PushDestination) TagName() *string { return optional(d.Destination.TagName) }

// MarshalPushDatum writes a datum.
func MarshalPushDatum(v core.Datum) graphql.Marshaler { return graphql.MarshalString(string(v)) }

// UnmarshalPushDatum reads a datum.
func UnmarshalPushDatum(v any) (core.Datum, error) { return enum[core.Datum](v) }

// MarshalDestinationKind writes a kind of place.
func MarshalDestinationKind(v core.DestinationKind) graphql.Marshaler {
	return graphql.MarshalString(string(v))
}

// UnmarshalDestinationKind reads a kind of place.
func UnmarshalDestinationKind(v any) (core.DestinationKind, error) {
	return enum[core.DestinationKind](v)
}

// MarshalFieldOwner writes an owner.
func MarshalFieldOwner(v ats.FieldOwner) graphql.Marshaler { return graphql.MarshalString(string(v)) }

// UnmarshalFieldOwner reads an owner.
func UnmarshalFieldOwner(v any) (ats.FieldOwner, error) { return enum[ats.FieldOwner](v) }
