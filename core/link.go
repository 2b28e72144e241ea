package core

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

const (
	launchValid = 24 * time.Hour
	reportValid = 15 * time.Minute
)

// Links makes and checks the addresses that people and engines follow. A link
// carries an assessment's id, a number that ends it (a generation or a time)
// and a signature for one purpose; nothing of it is stored.
type Links struct {
	public string
	engine string
	key    []byte
}

// LinkOptions is what links are made of.
type LinkOptions struct {
	PublicURL string // where browsers reach Trellis, without a slash at the end
	EngineURL string // a template with {assessment} and {token}
	Key       []byte // 32 bytes, from the master key
}

// NewLinks returns the maker of links.
func NewLinks(o LinkOptions) *Links {
	return &Links{public: strings.TrimSuffix(o.PublicURL, "/"), engine: o.EngineURL, key: o.Key}
}

// Webhook is the address that a connection's ATS sends its web hooks to.
func (l *Links) Webhook(c *Connection) string {
	return l.public + "/api/webhooks/" + c.Adapter + "?connection=" + string(c.ID)
}

// Consent is where an ATS sends a person's browser back to after a consent. The
// vendor registers it there.
func (l *Links) Consent(adapter string) string {
	return l.public + "/connect/" + adapter + "/callback"
}

type purpose string

const (
	forInvitation purpose = "invitation"
	forLaunch     purpose = "launch"
	forPermalink  purpose = "permalink"
	forReport     purpose = "report"
)

// Invitation is the candidate's link.
func (l *Links) Invitation(a *Assessment) string {
	return l.public + "/a/" + l.sign(forInvitation, a.ID, a.ExpiresAt.Unix())
}

// OpenInvitation returns the assessment that a candidate's link names.
// Whether it has expired is for the assessment to say. Errors: fault.NotFound.
func (l *Links) OpenInvitation(token string) (ID, error) {
	id, _, err := l.open(forInvitation, token)
	return id, err
}

// Launch is where the engine takes over. The token lets the engine show that
// the candidate came through the invitation's page; it is valid for 24 hours.
// Errors: fault.Config without an engine.
func (l *Links) Launch(id ID, now time.Time) (string, error) {
	if l.engine == "" {
		return "", fault.New(fault.Config, "Tests cannot be taken yet: TRELLIS_ENGINE_URL is not set. Your consent was kept; try again later.")
	}
	token := l.sign(forLaunch, id, now.Add(launchValid).Unix())
	return strings.NewReplacer(
		"{assessment}", url.QueryEscape(string(id)), "{token}", url.QueryEscape(token),
	).Replace(l.engine), nil
}

// CheckLaunch checks a launch token. Errors: fault.Invalid.
func (l *Links) CheckLaunch(token string, id ID, now time.Time) error {
	named, until, err := l.open(forLaunch, token)
	if err != nil || named != id || now.Unix() > until {
		return fault.InvalidField("launchToken", "INVALID", "The launch token is not for this assessment, or has expired. Send the candidate back to the invitation's link.")
	}
	return nil
}

// Permalink is the report's address that an ATS keeps for months. It is stable
// until it is revoked.
func (l *Links) Permalink(a *Assessment) string {
	return l.public + "/r/" + l.sign(forPermalink, a.ID, int64(a.ReportLinkGen))
}

// OpenPermalink returns the assessment that a permalink names, and the
// generation that the assessment must still have. Errors: fault.NotFound.
func (l *Links) OpenPermalink(token string) (ID, int, error) {
	id, generation, err := l.open(forPermalink, token)
	return id, int(generation), err
}

// Report is the signed address of the report's page, made at click time.
func (l *Links) Report(id ID, now time.Time) (string, time.Time) {
	until := now.Add(reportValid).Truncate(time.Second)
	return l.public + "/report/" + l.sign(forReport, id, until.Unix()), until
}

// OpenReport returns the assessment of a signed address.
// Errors: fault.NotFound for a bad signature, fault.Forbidden once expired.
func (l *Links) OpenReport(token string, now time.Time) (ID, error) {
	id, until, err := l.open(forReport, token)
	if err != nil {
		return "", err
	}
	if now.Unix() > until {
		return "", fault.New(fault.Forbidden, "This view of the report has expired. Open the report again from the link in your ATS.")
	}
	return id, nil
}

func (l *Links) sign(p purpose, id ID, number int64) string {
	payload := string(id) + "." + strconv.FormatInt(number, 36)
	return payload + "." + l.signature(p, payload)
}

func (l *Links) signature(p purpose, payload string) string {
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte(string(p) + "\n" + payload))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:24])
}

func (l *Links) open(p purpose, token string) (ID, int64, error) {
	unknown := fault.New(fault.NotFound, "This link is not valid. It may have been cut off on the way: copy it whole.")
	cut := strings.LastIndexByte(token, '.')
	if cut < 0 || !hmac.Equal([]byte(token[cut+1:]), []byte(l.signature(p, token[:cut]))) {
		return "", 0, unknown
	}
	text, number, ok := strings.Cut(token[:cut], ".")
	n, err := strconv.ParseInt(number, 36, 64)
	if !ok || err != nil {
		return "", 0, unknown
	}
	return ID(text), n, nil
}
