package greenhouse

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/plugins/sdk"
)

// The settings of a connection.
const (
	settingCallbackHosts  = "callback_hosts"
	settingScoreDelivery  = "score_delivery"
	settingClosed         = "closed_without_result"
	settingClosedURL      = "closed_profile_url"
	settingHarvestURL     = "harvest_url"
	settingAuthURL        = "auth_url"
	scoreFull             = "full"
	scoreSummary          = "summary"
	closedStayOpen        = "stay_open"
	closedComplete        = "complete_without_score"
	defaultCallbackHost   = "app.greenhouse.io"
	greenhouseDomain      = ".greenhouse.io"
	maxPartnerKeyLength   = 170 // characters; facts/greenhouse.md 1.2
	defaultHarvestAddress = "https://harvest.greenhouse.io"
	defaultAuthAddress    = "https://auth.greenhouse.io"
)

func settingsSchema() []ats.Setting {
	return append(partnerSettings(), harvestSettings()...)
}

func partnerSettings() []ats.Setting {
	return []ats.Setting{
		{
			Name: settingCallbackHosts, Label: "Callback hosts", Type: ats.TypeHosts, Default: defaultCallbackHost, Required: true,
			Description: "Hosts, or host:port, to which news of an assessment may be sent, comma-separated. Plain http works for loopback hosts only.",
		},
		{
			Name: settingScoreDelivery, Label: "Score delivery", Type: ats.TypeChoice, Default: scoreFull, Options: []string{scoreFull, scoreSummary},
			Description: "full: score, each trait, benchmark and summary. summary: the score and the link to the report.",
		},
		{
			Name: settingClosed, Label: "Closed without a result", Type: ats.TypeChoice, Default: closedStayOpen, Options: []string{closedStayOpen, closedComplete},
			Description: "How Greenhouse is told of an expired, cancelled or failed assessment, for which it documents nothing. stay_open: never complete. complete_without_score: complete, and the details say why there is no score; needs the page below.",
		},
		{
			Name: settingClosedURL, Label: "Page for closed assessments", Type: ats.TypeURL,
			Description: "What Greenhouse links to as the report of an assessment that closed without one. Greenhouse refuses a complete status without a link.",
		},
		{
			Name: settingHarvestURL, Label: "Harvest API", Type: ats.TypeURL, Default: defaultHarvestAddress,
			Description: "Base address of the Harvest v3 API. Plain http works for loopback hosts only.",
		},
		{
			Name: settingAuthURL, Label: "Harvest authorization", Type: ats.TypeURL, Default: defaultAuthAddress,
			Description: "Base address that issues Harvest v3 tokens. Plain http works for loopback hosts only.",
		},
	}
}

// callbackHosts returns the hosts that may be called.
func callbackHosts(c *ats.Connection) []string {
	var hosts []string
	for _, h := range strings.Split(setting(c, settingCallbackHosts, defaultCallbackHost), ",") {
		if h = strings.TrimSpace(h); h != "" {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// internalHosts returns the callback hosts that may be at a private address:
// those that somebody listed and that are not Greenhouse's own.
func internalHosts(c *ats.Connection) []string {
	var hosts []string
	for _, h := range callbackHosts(c) {
		u := url.URL{Scheme: "https", Host: strings.ToLower(h)}
		if !strings.HasSuffix(u.Hostname(), greenhouseDomain) {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// setting returns a setting, or def if it is empty.
func setting(c *ats.Connection, name, def string) string {
	if v := strings.TrimSpace(c.Settings[name]); v != "" {
		return v
	}
	return def
}

// allowedCallback returns why raw must not be called, or "".
func allowedCallback(c *ats.Connection, raw string) (refusal string) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Hostname() == "":
		return "it is not a web address"
	case u.User != nil:
		return "it carries a user name"
	case u.Scheme != "https" && u.Scheme != "http":
		return "it is not https"
	case !sdk.HostListed(u, callbackHosts(c)):
		return fmt.Sprintf("its host %q is not among the callback hosts of the connection", u.Host)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "plain http is for loopback hosts only"
	default:
		return ""
	}
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback() || strings.EqualFold(strings.TrimSuffix(host, "."), "localhost")
}
