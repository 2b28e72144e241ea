package core

import (
	"cmp"
	"slices"
	"time"
)

// RoutingAction is what a score asks for.
type RoutingAction string

// The actions.
const (
	RouteAdvance RoutingAction = "ADVANCE"
	RouteReview  RoutingAction = "REVIEW" // a person decides
	RouteReject  RoutingAction = "REJECT"
)

// Indicator is an action as a colour.
type Indicator string

// The indicators.
const (
	IndicatorGreen  Indicator = "GREEN"  // advance
	IndicatorYellow Indicator = "YELLOW" // review
	IndicatorRed    Indicator = "RED"    // reject
)

// RoutingTerms are what a rule says. The bands are half-open and leave no gap:
// reject [0, Review), review [Review, Advance), advance [Advance, 100].
type RoutingTerms struct {
	Advance   Score          `json:"advance"` // hundredths of 0–100
	Review    Score          `json:"review"`  // not above Advance; 0: nobody is rejected
	Pilot     bool           `json:"pilot"`   // everything is held for review
	AdvanceTo string         `json:"advanceTo,omitempty"`
	Rejection RejectionTerms `json:"rejection"`
}

// RejectionTerms are how a rule rejects, and what stops it.
type RejectionTerms struct {
	ReasonID        string `json:"reasonId,omitempty"`        // the ATS's
	EmailTemplateID string `json:"emailTemplateId,omitempty"` // the ATS's
	HoldHours       int    `json:"holdHours"`                 // how long a rejection can be stopped before it is carried out
	DailyCap        int    `json:"dailyCap"`                  // rejections over the connection in 24 hours, at most
	JumpOf          int    `json:"jumpOf"`                    // of so many decisions of the rule …
	JumpPercent     int    `json:"jumpPercent"`               // … at least this share are rejections: the rule is paused
}

// RoutingInputs are all that a decision depends on, besides the rule.
type RoutingInputs struct {
	Score          Score    `json:"score"`
	IntegrityFlags []string `json:"integrityFlags,omitempty"`
	MissingTraits  []string `json:"missingTraits,omitempty"` // keys of the test's traits that the result has no score of
	Accommodation  bool     `json:"accommodation,omitempty"`
}

// protected reports whether nobody may be rejected by the result without a
// person's reason.
func (in RoutingInputs) protected() bool {
	return len(in.IntegrityFlags) > 0 || len(in.MissingTraits) > 0 || in.Accommodation
}

// Hold tells why a decision waits for a person.
type Hold string

// The reasons. The empty one is none.
const (
	HoldReview        Hold = "REVIEW_BAND"
	HoldPilot         Hold = "PILOT"
	HoldIntegrity     Hold = "INTEGRITY_FLAG"
	HoldMissingTraits Hold = "MISSING_TRAITS"
	HoldAccommodation Hold = "ACCOMMODATION"
	HoldPaused        Hold = "RULE_PAUSED"
	HoldSwitchedOff   Hold = "SWITCHED_OFF"
	HoldUnknown       Hold = "APPLICATION_UNKNOWN"
	HoldEarlier       Hold = "EARLIER_DECISION"
	HoldJump          Hold = "REJECT_RATE"
	HoldCap           Hold = "DAILY_CAP"
	HoldMoved         Hold = "MOVED_MEANWHILE"
	HoldClosed        Hold = "APPLICATION_CLOSED"
	HoldRefused       Hold = "ATS_REFUSED"
	HoldUndone        Hold = "UNDONE"
	HoldOtherRule     Hold = "OTHER_RULE"
)

// Sentence tells a hold to people.
func (h Hold) Sentence() string {
	return map[Hold]string{
		HoldReview:        "The score is in the review band.",
		HoldPilot:         "The rule is in pilot mode: it only suggests.",
		HoldIntegrity:     "The result has an integrity flag.",
		HoldMissingTraits: "The result lacks some of the test's traits, so nobody is rejected by it.",
		HoldAccommodation: "The test was adapted for the candidate, so nobody is rejected by rule.",
		HoldPaused:        "The rule was paused or retired.",
		HoldSwitchedOff:   "Routing is switched off for the connection or the job.",
		HoldUnknown:       "The candidate's application in the ATS is not known. Push the candidate: the rule then goes on.",
		HoldEarlier:       "An earlier result of the assessment was acted upon already, or was about to be.",
		HoldJump:          "Too many of the last decisions were rejections, so the rule was paused.",
		HoldCap:           "The connection's rejections of the last 24 hours reached the cap.",
		HoldMoved:         "Somebody moved the candidate meanwhile, so nothing was done.",
		HoldClosed:        "The application is not active any more, so nothing was done.",
		HoldRefused:       "The ATS refused.",
		HoldUndone:        "It was undone.",
		HoldOtherRule:     "Which job the candidate is in was not known when it was decided, and another rule counts for that job, so nothing was done.",
	}[h]
}

// Verdict is what a rule makes of a result.
type Verdict struct {
	Suggestion RoutingAction
	Indicator  Indicator
	Hold       Hold // empty: the suggestion is carried out
}

// Suggest returns the band that a score is in.
func (t RoutingTerms) Suggest(s Score) RoutingAction {
	switch {
	case s >= t.Advance:
		return RouteAdvance
	case s >= t.Review:
		return RouteReview
	default:
		return RouteReject
	}
}

// Indicator returns the action's colour.
func (a RoutingAction) Indicator() Indicator {
	switch a {
	case RouteAdvance:
		return IndicatorGreen
	case RouteReject:
		return IndicatorRed
	default:
		return IndicatorYellow
	}
}

// Decide is what the terms make of a result, whatever else goes on: a pure
// function. Nobody is rejected by a result with an integrity flag, missing
// traits or an accommodation; nobody is advanced with an integrity flag either.
func (t RoutingTerms) Decide(in RoutingInputs) Verdict {
	v := Verdict{Suggestion: t.Suggest(in.Score)}
	v.Indicator = v.Suggestion.Indicator()
	switch {
	case v.Suggestion == RouteReview:
		v.Hold = HoldReview
	case len(in.IntegrityFlags) > 0:
		v.Hold = HoldIntegrity
	case v.Suggestion == RouteReject && len(in.MissingTraits) > 0:
		v.Hold = HoldMissingTraits
	case v.Suggestion == RouteReject && in.Accommodation:
		v.Hold = HoldAccommodation
	case t.Pilot:
		v.Hold = HoldPilot
	}
	return v
}

// inputsOf gathers what a decision depends on.
func inputsOf(t *Test, r *Result) RoutingInputs {
	in := RoutingInputs{Score: r.Score, IntegrityFlags: r.IntegrityFlags, Accommodation: r.Accommodation}
	for _, trait := range t.Traits {
		if !slices.ContainsFunc(r.Traits, func(s TraitScore) bool { return s.Key == trait.Key }) {
			in.MissingTraits = append(in.MissingTraits, trait.Key)
		}
	}
	return in
}

// effectiveRules returns the rule that counted at a moment for each connection:
// of job and test, or of the job, or of the test, or the connection's. Of each
// of those it is the version that became effective last, unless it was retired.
func effectiveRules(approved []RoutingRule, at time.Time) []RoutingRule {
	type scope struct{ connection, job, test ID }
	current := map[scope]RoutingRule{}
	for _, r := range approved {
		s := scope{r.ConnectionID, r.JobID, r.TestID}
		before, ok := current[s]
		later := r.EffectiveFrom.After(before.EffectiveFrom) || r.EffectiveFrom.Equal(before.EffectiveFrom) && r.Version > before.Version
		if !r.EffectiveFrom.After(at) && (!ok || later) {
			current[s] = r
		}
	}
	best := map[ID]RoutingRule{}
	for _, r := range current {
		if r.State == RuleRetired && !r.Changed.At.After(at) {
			continue
		}
		if before, ok := best[r.ConnectionID]; !ok || r.specificity() > before.specificity() {
			best[r.ConnectionID] = r
		}
	}
	rules := make([]RoutingRule, 0, len(best))
	for _, r := range best {
		rules = append(rules, r)
	}
	slices.SortFunc(rules, func(a, b RoutingRule) int { return cmp.Compare(a.ConnectionID, b.ConnectionID) })
	return rules
}

func (r *RoutingRule) specificity() int {
	n := 0
	if r.JobID != "" {
		n += 2
	}
	if r.TestID != "" {
		n++
	}
	return n
}
