package greenhouse

import (
	"strconv"
	"strings"

	"github.com/trellis-ats/trellis/core/ats"
)

// constraintRequests names the most requests that one operation of a
// capability makes; each further page of a list is one more.
const constraintRequests = "requests"

// capabilities are those of the adapter. What a connection can do of it is
// known after its check.
func capabilities() []ats.Capability {
	return append(partnerCapabilities(), append(harvestCapabilities(), feedbackCapabilities()...)...)
}

func partnerCapabilities() []ats.Capability {
	return []ats.Capability{
		{Name: ats.CapabilityInbound, Available: true, Constraints: map[string]string{
			"tests_per_order":             "1",
			"partner_key_max_characters":  "170",
			"order_carries_job_and_stage": "no",
			"invitation":                  "Greenhouse does not mail the candidate; we do",
		}},
		{Name: ats.CapabilityResults, Available: true, Constraints: map[string]string{
			"metadata":        "flat; values are text, numbers or booleans",
			"report_url":      "required with a complete status",
			"delivered_for":   "active candidates who are not hired",
			"revised_results": "Greenhouse is told; whether it overwrites is not documented",
			"orders_expire":   "Greenhouse stops asking 8 weeks after the order, if it polls",
		}},
		{Name: ats.CapabilityWebhooks, Available: true, Constraints: map[string]string{
			"actions":   strings.Join(actions(), ", "),
			"set_up":    "by hand, one web hook an event, with the same address and secret",
			"signature": "HMAC-SHA256 over the raw body; no time is signed",
			"order":     "not promised",
			"attempts":  "7 within 15 hours",
		}},
	}
}

func harvestCapabilities() []ats.Capability {
	return []ats.Capability{
		{Name: ats.CapabilityAuthorization, Available: true, Constraints: map[string]string{
			"modes":         ats.AuthModeClientCredentials + ", " + ats.AuthModeAuthorizationCode,
			"access_token":  "1 hour",
			"refresh_token": "works once; documented as 24 hours, newer documents say 14 days",
			"metered":       "apart from the API",
		}},
		{Name: ats.CapabilityCandidates, Available: true, Constraints: map[string]string{
			constraintRequests: "4", "requests.find": "3", "requests.create": "3", "requests.apply": "4",
			"rate_limit": "50", "rate_window_seconds": "30", // until Greenhouse announces its own, which it does not publish
			"idempotency_key": "none: look before repeating",
			"match":           "by id, or by the exact e-mail address in any case",
			"resume":          "a link to a résumé is not taken over",
		}},
		{Name: ats.CapabilityApplications, Available: true, Constraints: map[string]string{
			constraintRequests: "6", "requests.get": "2", "requests.move": "6", "requests.reject": "3", "requests.unreject": "3",
			"ids_at_once":    strconv.Itoa(maxIDs),
			"move_mails":     "the job's stage transition rules may mail the candidate; nothing suppresses it",
			"reject_reason":  "required",
			"reject_message": "only from a template of the organization",
		}},
		{Name: ats.CapabilityReference, Available: true, Constraints: map[string]string{
			constraintRequests: "1", "page": strconv.Itoa(maxPageSize), "visible": "what the acting user may see",
		}},
	}
}

func feedbackCapabilities() []ats.Capability {
	return []ats.Capability{
		{Name: ats.CapabilityFields, Available: true, Constraints: map[string]string{
			constraintRequests: "7", "select": "an option's id or name",
			"application_fields": "may depend on Greenhouse's plan",
		}},
		{Name: ats.CapabilityAttachments, Available: true, Constraints: map[string]string{
			constraintRequests: "2", "needs_application": "yes", "deduplicated_by": "file name",
		}},
		{Name: ats.CapabilityNotes, Available: true, Constraints: map[string]string{
			constraintRequests: "2", "max_characters": strconv.Itoa(maxNoteLength), "deduplicated_by": "marker", "edit": "never: a note cannot be changed or deleted",
		}},
		{Name: ats.CapabilityTags, Available: true, Constraints: map[string]string{
			constraintRequests: "6", "owner": "the candidate, on all jobs",
		}},
		{Name: ats.CapabilityScorecards, Available: true, Reasons: []string{noScorecards}, Constraints: scorecardConstraints()},
	}
}

const noScorecards = "Greenhouse has no public endpoint that creates a scorecard. If Greenhouse granted you the restricted one, set scorecards to restricted; otherwise use custom fields, a note, the report and a tag."

// scorecardConstraints tell which rating is really sent for each recommendation.
func scorecardConstraints() map[string]string {
	all := map[string]string{constraintRequests: "2", "body": "not documented"}
	for _, r := range []ats.Recommendation{
		ats.RecommendStrongYes, ats.RecommendYes, ats.RecommendMixed, ats.RecommendNo, ats.RecommendDefinitelyNot,
	} {
		all["recommendation_"+string(r)] = rating(r)
	}
	return all
}

// sensitive names what identifies a person or opens something of theirs, on
// all three sides.
func sensitive() []string {
	names := `first_name last_name preferred_name name full_name display_name headline email emails primary_email
		email_addresses phone_number phone_numbers addresses website_addresses social_media_addresses
		company title resume_url photo_url url candidate_email sent_by partner_profile_url value custom_fields
		recruiter coordinator credited_to referrer educations employments attachments keyed_custom_fields
		body body_with_tags html_body content notes notes_with_tags private_notes private_notes_with_tags
		public_notes public_notes_with_tags subject email_from email_to email_cc location_address answers
		access_token refresh_token client_secret`
	return strings.Fields(names)
}
