package greenhouse

import (
	"slices"

	"github.com/trellis-ats/trellis/core/ats"
)

// scopeOf is the scope of an endpoint (facts/greenhouse.md 4.10).
func scopeOf(r resource, verb string) string { return "harvest:" + string(r) + ":" + verb }

// need says which scopes a capability cannot do without, and which a part of
// it needs.
type need struct {
	capability ats.CapabilityName
	scopes     []string
	parts      []string
}

// needs is the whole of what Trellis asks for: less than a partner may have.
func needs() []need {
	list := func(r resource) string { return scopeOf(r, "list") }
	return []need{
		{capability: ats.CapabilityCandidates, scopes: []string{
			list(resourceCandidates), scopeOf(resourceCandidates, "create"), list(resourceApplications),
			scopeOf(resourceApplications, "create"), list(resourceJobs), list(resourceStages),
		}},
		{capability: ats.CapabilityApplications, scopes: []string{list(resourceApplications)}, parts: []string{
			list(resourceStageRows), scopeOf(resourceApplications, "move"), scopeOf(resourceApplications, "reject"), scopeOf(resourceApplications, "unreject"),
		}},
		{capability: ats.CapabilityReference, scopes: []string{list(resourceJobs), list(resourceStages)}, parts: []string{
			list(resourceUsers), list(resourceReasons), list(resourceTemplates), list(resourceFields), list(resourceOptions), list(resourceSources), list(resourceTags),
		}},
		{
			capability: ats.CapabilityFields,
			scopes:     []string{list(resourceFields), list(resourceOptions), list(resourceCandidates), scopeOf(resourceCandidates, "update")},
			parts:      []string{list(resourceApplications), scopeOf(resourceApplications, "update")},
		},
		{capability: ats.CapabilityAttachments, scopes: []string{list(resourceAttachments), scopeOf(resourceAttachments, "create")}},
		{capability: ats.CapabilityNotes, scopes: []string{list(resourceNotes), scopeOf(resourceNotes, "create")}},
		{capability: ats.CapabilityTags, scopes: []string{
			list(resourceTags), scopeOf(resourceTags, "create"), list(resourceAppliedTags), scopeOf(resourceAppliedTags, "create"),
		}},
		{capability: ats.CapabilityScorecards, scopes: []string{list(resourceScorecards), scopeOf(resourceScorecards, "create")}},
	}
}

// wanted lists the scopes that a connection asks for, sorted, without repeats.
func wanted(c *ats.Connection) []string {
	var all []string
	for _, n := range needs() {
		if n.capability != ats.CapabilityScorecards || restrictedScorecards(c) {
			all = append(append(all, n.scopes...), n.parts...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func restrictedScorecards(c *ats.Connection) bool {
	return setting(c, settingScorecards, scorecardsOff) == scorecardsRestricted
}

// lacking returns those of want that are not granted.
func lacking(want, granted []string) []string {
	var missing []string
	for _, scope := range want {
		if !slices.Contains(granted, scope) {
			missing = append(missing, scope)
		}
	}
	return missing
}
