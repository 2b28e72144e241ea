package greenhouse

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/trellis-ats/trellis/core/ats"
)

// CheckConnection implements ats.Adapter. The Assessment Partner API has
// nothing that could be asked without a side effect (its only call to
// Greenhouse belongs to one sent test), so of that side it checks what can be
// checked here and says that Greenhouse itself was not asked. Harvest is asked
// if it is connected.
func (a *adapter) CheckConnection(ctx context.Context, c *ats.Connection) (*ats.ConnectionReport, error) {
	partner := []ats.Check{checkPartnerKey(c), checkCallbackHosts(c), checkChoices(c), checkClosed(c), checkAddresses(c)}
	report := &ats.ConnectionReport{Checks: append(slices.Clone(partner), ats.Check{
		Name: "Greenhouse", OK: true, Message: "Not asked: the partner API offers no call without side effects. The first list-tests or send-test shows that Greenhouse has the key.",
	})}
	state := a.checkHarvest(ctx, c, report)
	report.Capabilities = effective(c, partner, state)
	return report, nil
}

// degrade notes with a capability what the checks found; without a usable key neither works.
func degrade(capability *ats.Capability, checks []ats.Check) {
	for _, check := range checks {
		if check.OK {
			continue
		}
		capability.Reasons = append(capability.Reasons, check.Message)
		if check.Name == checkNameKey {
			capability.Available = false
		}
	}
}

const checkNameKey = "Partner key"

func checkPartnerKey(c *ats.Connection) ats.Check {
	problem := partnerKeyProblem(c.Secrets[ats.SecretPartnerKey])
	if problem != "" {
		return ats.Check{Name: checkNameKey, Message: problem + " Issue a new partner key and give it to Greenhouse."}
	}
	return ats.Check{Name: checkNameKey, OK: true, Message: "There is a key, and Greenhouse can take it."}
}

// partnerKeyProblem tells what is wrong with a key for HTTP Basic at Greenhouse, or "".
func partnerKeyProblem(key string) string {
	switch {
	case key == "":
		return "The connection has no partner key."
	case len(key) > maxPartnerKeyLength:
		return fmt.Sprintf("The partner key has %d characters; Greenhouse takes fewer than 171.", len(key))
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' }):
		return "The partner key holds a colon, a space or a character that is not plain ASCII."
	default:
		return ""
	}
}

func checkCallbackHosts(c *ats.Connection) ats.Check {
	hosts := callbackHosts(c)
	for _, h := range hosts {
		if !plausibleHost(h) {
			return ats.Check{Name: "Callback hosts", Message: fmt.Sprintf("%q is not a host or host:port. Write hosts without https:// and path, separated by commas.", h)}
		}
	}
	return ats.Check{Name: "Callback hosts", OK: true, Message: "News may be sent to " + strings.Join(hosts, ", ") + "."}
}

func plausibleHost(entry string) bool {
	host := entry
	if h, port, err := net.SplitHostPort(entry); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return false
		}
		host = h
	} else if net.ParseIP(strings.Trim(entry, "[]")) != nil {
		return true
	}
	return host != "" && !strings.ContainsAny(host, "/@?#* \t[]") && (!strings.Contains(host, ":") || net.ParseIP(host) != nil)
}

func checkChoices(c *ats.Connection) ats.Check {
	for _, s := range settingsSchema() {
		if v := c.Settings[s.Name]; s.Type == ats.TypeChoice && v != "" && !slices.Contains(s.Options, v) {
			return ats.Check{Name: "Settings", Message: fmt.Sprintf("%s is %q; choose one of %s.", s.Name, v, strings.Join(s.Options, ", "))}
		}
	}
	return ats.Check{Name: "Settings", OK: true, Message: "All choices are known."}
}

func checkClosed(c *ats.Connection) ats.Check {
	if c.Settings[settingClosed] == closedComplete && c.Settings[settingClosedURL] == "" {
		return ats.Check{Name: "Closed assessments", Message: "closed_without_result is complete_without_score, but closed_profile_url is empty: Greenhouse refuses a complete status without a link, so such assessments stay open."}
	}
	return ats.Check{Name: "Closed assessments", OK: true, Message: "Told to Greenhouse as " + setting(c, settingClosed, closedStayOpen) + "."}
}

func checkAddresses(c *ats.Connection) ats.Check {
	for _, name := range []string{settingHarvestURL, settingAuthURL, settingAppURL, settingClosedURL} {
		if v := c.Settings[name]; v != "" && !secureAddress(v) {
			return ats.Check{Name: "Addresses", Message: name + " is not an https address. Correct it in the connection's settings."}
		}
	}
	return ats.Check{Name: "Addresses", OK: true, Message: "All are https, or on this machine."}
}

// secureAddress accepts https, and http for a loopback host (a stand-in on the same machine).
func secureAddress(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && u.Hostname() != "" && u.User == nil && (u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()))
}
