package greenhouse

import (
	"net/url"
	"strings"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/plugins/sdk"
)

// The settings of the Harvest side and of the web hooks, besides those of
// core/ats that the host knows of.
const (
	settingAppURL               = "app_url"
	settingDateFilters          = "date_filters"
	settingFromStage            = "from_stage_id"
	settingFieldUpdates         = "field_updates"
	settingAttachmentType       = "attachment_type"
	settingAttachmentVisibility = "attachment_visibility"
	settingNoteVisibility       = "note_visibility"
	settingNoteAuthor           = "note_author"
	settingScorecards           = "scorecards"
	settingWebhookUser          = "webhook_user"
	settingWebhookPassword      = "webhook_password"
)

// What the settings can be.
const (
	datesPipe            = "pipe"
	datesBracket         = "bracket"
	fromJobStage         = "job_stage"
	fromApplicationStage = "application_stage"
	fieldsAll            = "all"
	fieldsChanged        = "changed"
	visibilityPrivate    = "private"
	visibilityAdmin      = "admin_only"
	visibilityPublic     = "public"
	visibilityDefault    = "default"
	attachmentOther      = "other"
	attachmentTest       = "take_home_test"
	scorecardsOff        = "off"
	scorecardsRestricted = "restricted"
	defaultAppAddress    = "https://app.greenhouse.io"
)

func harvestSettings() []ats.Setting {
	return append(connectSettings(), writeSettings()...)
}

func connectSettings() []ats.Setting {
	return []ats.Setting{
		{
			Name: ats.SettingAuthMode, Label: "Harvest connection", Type: ats.TypeChoice, Default: ats.AuthModeNone, Options: []string{ats.AuthModeNone, ats.AuthModeClientCredentials, ats.AuthModeAuthorizationCode},
			Description: "none: the assessment partner endpoints only. client_credentials: your own Harvest V3 (OAuth) credential. authorization_code: a Site Admin consents to the vendor's integration.",
		},
		{
			Name: ats.SettingClientID, Label: "Client id", Type: ats.TypeText,
			Description: "Of your Harvest V3 (OAuth) credential: Configure > Dev Center > API Credentials. It ends in a hyphen and a number.",
		},
		{
			Name: ats.SettingClientSecret, Label: "Client secret", Type: ats.TypeText, Secret: true,
			Description: "Of the same credential; Greenhouse shows it once.",
		},
		{
			Name: ats.SettingActingUser, Label: "Acting user", Type: ats.TypeInteger,
			Description: "The numeric id of the Greenhouse user in whose name Trellis acts, with client_credentials. A Site Admin who may see private candidates: nobody else can read, and whom the user cannot see would be made a second time. Empty: the credential's own service user.",
		},
		{
			Name: settingAppURL, Label: "Greenhouse's pages", Type: ats.TypeURL, Default: defaultAppAddress,
			Description: "Base address of the pages to which links to candidates lead.",
		},
		{
			Name: settingWebhookUser, Label: "Web hook user", Type: ats.TypeText,
			Description: "If the web hooks carry Basic credentials: their user. Empty: they carry none.",
		},
		{
			Name: settingWebhookPassword, Label: "Web hook password", Type: ats.TypeText, Secret: true,
			Description: "If the web hooks carry Basic credentials: their password.",
		},
	}
}

// writeSettings choose where Greenhouse's documentation leaves a choice open.
func writeSettings() []ats.Setting {
	visibilities := []string{visibilityPrivate, visibilityAdmin, visibilityPublic}
	return []ats.Setting{
		{
			Name: settingDateFilters, Label: "Date filters", Type: ats.TypeChoice, Default: datesPipe, Options: []string{datesPipe, datesBracket},
			Description: "How a date is filtered by. pipe, as documented: updated_at=gte|DATE. bracket, as others send it: updated_at[gte]=DATE.",
		},
		{
			Name: settingFromStage, Label: "Current stage in a move", Type: ats.TypeChoice, Default: fromJobStage, Options: []string{fromJobStage, fromApplicationStage},
			Description: "Which id from_stage_id is. job_stage: of the job's stage; if Greenhouse refuses it, the other is tried once. application_stage: of the application's own row.",
		},
		{
			Name: settingFieldUpdates, Label: "Custom field updates", Type: ats.TypeChoice, Default: fieldsAll, Options: []string{fieldsAll, fieldsChanged},
			Description: "all: every custom field of the record is sent along, since Greenhouse does not say whether it keeps those left out. changed: only those to be written.",
		},
		{
			Name: settingAttachmentType, Label: "Type of the report", Type: ats.TypeChoice, Default: attachmentOther, Options: []string{attachmentOther, attachmentTest},
			Description: "As what the report is attached. take_home_test may need an outstanding test on the application.",
		},
		{
			Name: settingAttachmentVisibility, Label: "Who sees the report", Type: ats.TypeChoice, Default: visibilityPrivate, Options: append(visibilities, visibilityDefault),
			Description: "default: what Greenhouse does for the type.",
		},
		{
			Name: settingNoteVisibility, Label: "Who sees notes", Type: ats.TypeChoice, Default: visibilityPrivate, Options: visibilities,
			Description: "private: people with access to private notes. public: everybody who sees the candidate.",
		},
		{
			Name: settingNoteAuthor, Label: "Author of notes", Type: ats.TypeInteger,
			Description: "The numeric id of a Greenhouse user. Empty: the acting user.",
		},
		{
			Name: settingScorecards, Label: "Scorecards", Type: ats.TypeChoice, Default: scorecardsOff, Options: []string{scorecardsOff, scorecardsRestricted},
			Description: "Greenhouse has no public endpoint that creates a scorecard. restricted: Greenhouse granted this account the restricted one (harvest:scorecards:create).",
		},
	}
}

// serviceURL returns an address of Greenhouse's as the settings have it.
// Errors: fault.Config if it must not be called.
func serviceURL(c *ats.Connection, name, def string) (*url.URL, error) {
	raw := strings.TrimRight(setting(c, name, def), "/")
	u, err := url.Parse(raw)
	if err != nil || !secureAddress(raw) || u.RawQuery != "" || u.Fragment != "" {
		return nil, fault.New(fault.Config, "Greenhouse was not called: the setting %s is not an https address without a query. Correct it.", name)
	}
	return u, nil
}

// reachable lists u's host if it is somebody's stand-in; Greenhouse's own
// hosts must be at public addresses.
func reachable(u *url.URL) []string {
	if strings.HasSuffix(strings.ToLower(u.Hostname()), greenhouseDomain) {
		return nil
	}
	return []string{u.Host}
}

// session starts the calls to one address.
func (a *adapter) session(u *url.URL, secrets ...string) *sdk.Session {
	return a.rt.HTTP.Session(sdk.SessionOptions{AllowHosts: reachable(u), Secrets: secrets, Sensitive: sensitive()})
}

// profileURL is the page of a person, on one application if it is given.
func profileURL(c *ats.Connection, candidate, application string) string {
	if candidate == "" {
		return ""
	}
	page := strings.TrimRight(setting(c, settingAppURL, defaultAppAddress), "/") + "/people/" + url.PathEscape(candidate)
	if application != "" {
		page += "?application_id=" + url.QueryEscape(application)
	}
	return page
}
