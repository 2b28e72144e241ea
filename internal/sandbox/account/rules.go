package account

import (
	"fmt"
	"slices"
	"time"
)

// The choices of Rules.
const (
	DatesBoth    = "both"
	DatesPipe    = "pipe"    // created_at=gte|2026-01-01T00:00:00Z
	DatesBracket = "bracket" // created_at[gte]=2026-01-01T00:00:00Z

	FromJobStage         = "job_stage"         // job_interview_stages.id
	FromApplicationStage = "application_stage" // application_stages.id
	FromEither           = "either"

	ReadsForbidden = "forbidden" // 403
	ReadsEmpty     = "empty"     // 200 with nothing in it

	FieldsMerge   = "merge"
	FieldsReplace = "replace"

	SpellRead  = "read"  // publicly_visible
	SpellWrite = "write" // public
)

// Rules are the limits, and the points that facts/greenhouse.md does not settle.
type Rules struct {
	RateLimit     int     `json:"rate_limit"` // Harvest calls in a window, for each client
	RateWindowMS  int     `json:"rate_window_ms"`
	TokenLimit    int     `json:"token_limit"` // token calls in a window, for each client
	TokenWindowMS int     `json:"token_window_ms"`
	AccessTTLMS   int     `json:"access_ttl_ms"`
	RefreshTTLMS  int     `json:"refresh_ttl_ms"`
	CodeTTLMS     int     `json:"code_ttl_ms"`
	Dates         string  `json:"dates"`           // both, pipe, bracket
	FromStage     string  `json:"from_stage"`      // job_stage, application_stage, either
	NonAdminReads string  `json:"non_admin_reads"` // forbidden, empty
	CustomFields  string  `json:"custom_fields"`   // of a PATCH: merge, replace
	NoteSpelling  string  `json:"note_spelling"`   // of the 201 body: read, write
	HookScale     float64 `json:"hook_scale"`      // how long an hour of the retry schedule takes, in hours
	HookMillis    bool    `json:"hook_millis"`     // moments in web hooks have milliseconds; the documented ones have not
	PingSigned    bool    `json:"ping_signed"`
	StageSends    bool    `json:"stage_sends"` // entering a stage with a take-home test presses "Send Test"
}

func defaultRules() Rules {
	return Rules{
		RateLimit: 75, RateWindowMS: 30_000, TokenLimit: 60, TokenWindowMS: 60_000,
		AccessTTLMS: 3_600_000, RefreshTTLMS: 24 * 3_600_000, CodeTTLMS: 60_000,
		Dates: DatesBoth, FromStage: FromJobStage, NonAdminReads: ReadsForbidden, CustomFields: FieldsMerge,
		NoteSpelling: SpellRead, HookScale: 0.01, PingSigned: true,
	}
}

func (r *Rules) check() error {
	for name, c := range map[string]struct {
		value string
		of    []string
	}{
		"dates":           {r.Dates, []string{DatesBoth, DatesPipe, DatesBracket}},
		"from_stage":      {r.FromStage, []string{FromJobStage, FromApplicationStage, FromEither}},
		"non_admin_reads": {r.NonAdminReads, []string{ReadsForbidden, ReadsEmpty}},
		"custom_fields":   {r.CustomFields, []string{FieldsMerge, FieldsReplace}},
		"note_spelling":   {r.NoteSpelling, []string{SpellRead, SpellWrite}},
	} {
		if !slices.Contains(c.of, c.value) {
			return fmt.Errorf("%s must be one of %v, not %q", name, c.of, c.value)
		}
	}
	for name, n := range map[string]int{
		"rate_limit": r.RateLimit, "rate_window_ms": r.RateWindowMS, "token_limit": r.TokenLimit, "token_window_ms": r.TokenWindowMS,
		"access_ttl_ms": r.AccessTTLMS, "refresh_ttl_ms": r.RefreshTTLMS, "code_ttl_ms": r.CodeTTLMS,
	} {
		if n < 1 {
			return fmt.Errorf("%s must be at least 1", name)
		}
	}
	if !(r.HookScale > 0 && r.HookScale <= 1) {
		return fmt.Errorf("hook_scale must be over 0 and at most 1")
	}
	return nil
}

func milliseconds(n int) time.Duration { return time.Duration(n) * time.Millisecond }
