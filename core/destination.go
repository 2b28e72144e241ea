package core

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// Destination is a place in the ATS that one datum of a result goes to.
type Destination struct {
	Datum    Datum           `json:"datum"`
	Trait    string          `json:"trait,omitempty"` // the key, for TRAIT
	To       DestinationKind `json:"to"`
	FieldKey string          `json:"fieldKey,omitempty"` // for FIELD, as the ATS lists it
	Owner    ats.FieldOwner  `json:"owner,omitempty"`    // for FIELD
	TagName  string          `json:"tagName,omitempty"`  // for TAG
}

// Datum is a part of what an assessment gives.
type Datum string

// The data.
const (
	DatumScore          Datum = "SCORE"
	DatumRecommendation Datum = "RECOMMENDATION"
	DatumIndicator      Datum = "INDICATOR" // what routing makes of the score: GREEN, YELLOW or RED
	DatumBenchmark      Datum = "BENCHMARK" // where the score stands, as a sentence
	DatumSummary        Datum = "SUMMARY"
	DatumAllTraits      Datum = "ALL_TRAITS" // without those that only the report shows
	DatumTrait          Datum = "TRAIT"      // one of them
	DatumReportURL      Datum = "REPORT_URL"
	DatumReportPDF      Datum = "REPORT_PDF"
	DatumAssessed       Datum = "ASSESSED" // that there was an assessment
)

// DestinationKind is a kind of place.
type DestinationKind string

// The kinds.
const (
	ToField      DestinationKind = "FIELD"
	ToNote       DestinationKind = "NOTE"
	ToAttachment DestinationKind = "ATTACHMENT"
	ToTag        DestinationKind = "TAG"
	ToScorecard  DestinationKind = "SCORECARD"
)

// Capability is what a connection must be able to do for the kind.
func (k DestinationKind) Capability() ats.CapabilityName {
	switch k {
	case ToField:
		return ats.CapabilityFields
	case ToAttachment:
		return ats.CapabilityAttachments
	case ToTag:
		return ats.CapabilityTags
	case ToScorecard:
		return ats.CapabilityScorecards
	default:
		return ats.CapabilityNotes
	}
}

// takes returns the kinds of places that a datum can go to.
func (d Datum) takes() []DestinationKind {
	switch d {
	case DatumScore, DatumRecommendation, DatumSummary, DatumAllTraits, DatumReportURL:
		return []DestinationKind{ToField, ToNote, ToScorecard}
	case DatumBenchmark, DatumTrait, DatumIndicator:
		return []DestinationKind{ToField, ToNote}
	case DatumReportPDF:
		return []DestinationKind{ToAttachment}
	case DatumAssessed:
		return []DestinationKind{ToTag}
	default:
		return nil
	}
}

// DefaultDestinations are the report's PDF as an attachment, a note with all
// that people read, a tag, and the scorecard, where the ATS takes one.
func DefaultDestinations() []Destination {
	all := []Destination{{Datum: DatumReportPDF, To: ToAttachment}, {Datum: DatumAssessed, To: ToTag, TagName: "Assessed"}}
	for _, d := range []Datum{DatumScore, DatumRecommendation, DatumIndicator, DatumBenchmark, DatumAllTraits, DatumSummary, DatumReportURL} {
		all = append(all, Destination{Datum: d, To: ToNote})
	}
	for _, d := range []Datum{DatumScore, DatumRecommendation, DatumAllTraits, DatumSummary, DatumReportURL} {
		all = append(all, Destination{Datum: d, To: ToScorecard})
	}
	return all
}

// Destinations say where each datum goes, and the source that pushed
// candidates come from.
type Destinations struct {
	All      []Destination // instead of those of before; nil: they stay
	SourceID *string       // the ATS's; "" for none; nil: it stays
}

// maxDestinations bounds a profile.
const maxDestinations = 50

// look checks what was typed, and against the ATS that fields and source are
// there, and returns the change. No transaction is open.
// Errors: fault.Invalid, those of the ATS.
func (ds Destinations) look(ctx context.Context, cs Choices, by Actor, connection ID) (func(*PushProfile) error, error) {
	if len(ds.All) > maxDestinations {
		return nil, fault.InvalidField("destinations", "TOO_MANY", "A push has at most %d destinations.", maxDestinations)
	}
	for i, d := range ds.All {
		if err := d.check(fmt.Sprintf("destinations.%d.", i), ds.All[:i]); err != nil {
			return nil, err
		}
	}
	for i, d := range ds.All {
		if err := d.look(ctx, cs, by, connection, fmt.Sprintf("destinations.%d.", i)); err != nil {
			return nil, err
		}
	}
	source := &ats.ReferenceItem{}
	if id := ds.SourceID; id != nil && *id != "" {
		var err error
		source, err = chosen(ctx, cs, by, choice{
			ChoiceQuery: ChoiceQuery{ConnectionID: connection, Kind: ats.ReferenceSources}, path: "sourceId", noun: "source", id: *id,
		})
		if err != nil {
			return nil, err
		}
	}
	return func(p *PushProfile) error {
		if ds.All != nil {
			p.Destinations = ds.All
		}
		if ds.SourceID != nil {
			p.SourceID, p.SourceName = source.ID, source.Name
		}
		return nil
	}, nil
}

// check checks what was typed, beside those that were typed before it.
func (d Destination) check(path string, before []Destination) error {
	kinds := d.Datum.takes()
	if kinds == nil {
		return fault.InvalidField(path+"datum", "UNKNOWN", "There is no datum %q.", d.Datum)
	}
	if !slices.Contains(kinds, d.To) {
		return fault.InvalidField(path+"to", "IMPOSSIBLE", "%s cannot go to %s, but to %v.", d.Datum, d.To, kinds)
	}
	if err := d.checkParts(path); err != nil {
		return err
	}
	if slices.ContainsFunc(before, d.collides) {
		return fault.InvalidField(path+"to", "DUPLICATE", "The same datum goes there already, or another one goes to this field.")
	}
	return nil
}

// checkParts checks that what the kind and the datum need is there, and nothing else.
func (d Destination) checkParts(path string) error {
	for _, part := range []struct {
		name, value string
		wanted      bool
	}{
		{"trait", d.Trait, d.Datum == DatumTrait},
		{"fieldKey", d.FieldKey, d.To == ToField},
		{"owner", string(d.Owner), d.To == ToField},
		{"tagName", d.TagName, d.To == ToTag},
	} {
		if !part.wanted && part.value != "" {
			return fault.InvalidField(path+part.name, "UNEXPECTED", "%s of %s has no %s. Nothing was changed; leave it out.", d.To, d.Datum, part.name)
		}
		if !part.wanted {
			continue
		}
		if err := requireText(path+part.name, part.value, 200); err != nil {
			return err
		}
	}
	if d.To == ToField && d.Owner != ats.OwnerCandidate && d.Owner != ats.OwnerApplication {
		return fault.InvalidField(path+"owner", "UNKNOWN", "owner is CANDIDATE or APPLICATION.")
	}
	return nil
}

// collides reports whether both write the same, or into the same field.
func (d Destination) collides(other Destination) bool {
	if d.To == ToField && other.To == ToField {
		return d.FieldKey == other.FieldKey && d.Owner == other.Owner
	}
	return d == other
}

// look checks against the ATS that a field is there.
func (d Destination) look(ctx context.Context, cs Choices, by Actor, connection ID, path string) error {
	if d.To != ToField {
		return nil
	}
	field, err := chosen(ctx, cs, by, choice{
		ChoiceQuery: ChoiceQuery{ConnectionID: connection, Kind: ats.ReferenceCustomFields},
		path:        path + "fieldKey", noun: "custom field of " + strings.ToLower(string(d.Owner)) + "s", id: d.FieldKey,
		is: func(i ats.ReferenceItem) bool {
			return i.Details["key"] == d.FieldKey && i.Details["owner"] == string(d.Owner)
		},
	})
	if err != nil {
		return err
	}
	switch takes := field.Details[ats.DetailTakes]; {
	case takes == ats.TakesNothing:
		return fault.InvalidField(path+"fieldKey", "TYPE", "The field %q is of a type that nothing of a result goes into. Nothing was changed; choose another field.", field.Name)
	case takes == ats.TakesNumbers && d.Datum != DatumScore && d.Datum != DatumTrait:
		return fault.InvalidField(path+"fieldKey", "TYPE", "The field %q takes a number, and %s is a text. Nothing was changed; choose another field.", field.Name, d.Datum)
	default:
		return nil
	}
}

// has reports whether a push of the profile writes there.
func (p *PushProfile) has(d Destination) bool { return slices.Contains(p.Destinations, d) }

// eachOnce checks a list of names: none empty, none twice.
func eachOnce(path string, names []string) error {
	if len(names) > 50 {
		return fault.InvalidField(path, "TOO_MANY", "%s has at most 50 entries.", path)
	}
	for i, name := range names {
		at := fmt.Sprintf("%s.%d", path, i)
		if err := requireText(at, name, 100); err != nil {
			return err
		}
		if slices.Contains(names[:i], name) {
			return fault.InvalidField(at, "DUPLICATE", "%q is there twice.", name)
		}
	}
	return nil
}
