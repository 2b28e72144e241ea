package greenhouse

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// maxSkew is how far two clocks may be apart before somebody should know.
const maxSkew = 2 * time.Minute

// roleSiteAdmin is what the introspection says of a Site Admin; a service
// account's row may not.
const roleSiteAdmin = "site_admin"

// The names of the checks.
const (
	checkNameHarvest = "Harvest"
	checkNameScopes  = "Scopes"
	checkNameActor   = "Acting user"
	checkNameClock   = "Clock"
)

// harvestState is what a check found out about the Harvest side.
type harvestState struct {
	problem string   // why nothing works; "" if it does
	scopes  []string // that are granted
	known   bool     // whether scopes could be asked for
	reads   string   // why the acting user cannot read, or ""
}

// checkHarvest asks Greenhouse who we are there: one request to the
// authorization server, one to the API.
func (a *adapter) checkHarvest(ctx context.Context, c *ats.Connection, report *ats.ConnectionReport) harvestState {
	if setting(c, ats.SettingAuthMode, ats.AuthModeNone) == ats.AuthModeNone {
		return harvestState{problem: notConnected}
	}
	h, err := a.harvest(c)
	if err != nil {
		return failed(report, checkNameHarvest, err)
	}
	who, err := a.whoami(ctx, c, report)
	if err != nil {
		state := failed(report, checkNameHarvest, err)
		if fault.Repeatable(err) {
			return harvestState{} // it could not be asked now, which says nothing against what works
		}
		return state
	}
	if !who.Active {
		return failed(report, checkNameHarvest, fault.New(fault.Auth, "Greenhouse says that the Harvest token is not active any more. Connect Harvest again."))
	}
	report.Account, report.Identity = string(who.Claims.Organization.ID), identityText(who)
	report.Checks = append(report.Checks, ats.Check{Name: checkNameHarvest, OK: true, Message: "Connected as " + report.Identity + "."})
	state := harvestState{known: who.Scope != "", scopes: strings.Fields(who.Scope)}
	checkScopes(c, report, &state)
	a.checkActor(ctx, h, who, report, &state)
	report.Exchanges = append(report.Exchanges, h.session.Exchanges()...)
	return state
}

func failed(report *ats.ConnectionReport, name string, err error) harvestState {
	message := fault.From(err).Message
	report.Checks = append(report.Checks, ats.Check{Name: name, Message: message})
	return harvestState{problem: message}
}

func (a *adapter) whoami(ctx context.Context, c *ats.Connection, report *ats.ConnectionReport) (*identity, error) {
	t, err := a.tokens(c)
	if err != nil {
		return nil, err
	}
	who, err := t.introspect(ctx, c.Secrets[ats.SecretAccessToken])
	report.Exchanges = append(report.Exchanges, t.session.Exchanges()...)
	return who, err
}

// identityText names the organization and the user by id; a user's name is
// personal and stays in Greenhouse.
func identityText(who *identity) string {
	text := who.Claims.Organization.Name
	if text == "" {
		text = "organization " + string(who.Claims.Organization.ID)
	}
	if who.Sub != "" {
		text += ", user " + string(who.Sub)
	}
	return text
}

func checkScopes(c *ats.Connection, report *ats.ConnectionReport, s *harvestState) {
	if !s.known {
		report.Checks = append(report.Checks, ats.Check{Name: checkNameScopes, OK: true, Message: "Greenhouse did not tell the scopes; a missing one shows when it is needed."})
		return
	}
	report.Missing = lacking(wanted(c), s.scopes)
	if len(report.Missing) == 0 {
		report.Checks = append(report.Checks, ats.Check{Name: checkNameScopes, OK: true, Message: "All that Trellis uses are granted."})
		return
	}
	report.Checks = append(report.Checks, ats.Check{Name: checkNameScopes, Message: fmt.Sprintf("Missing: %s. Add them to the credential in Greenhouse; with authorization_code, connect again afterwards.", strings.Join(report.Missing, ", "))})
}

// user is what matters of a Greenhouse user.
type user struct {
	ID          identifier `json:"id"`
	Name        string     `json:"name"`
	Email       string     `json:"primary_email"`
	SiteAdmin   bool       `json:"site_admin"`
	Deactivated bool       `json:"deactivated"`
}

// checkActor reads the acting user's own row. Somebody who is not a Site Admin
// gets 403 or nothing, which Greenhouse does not settle (facts/greenhouse.md 4.1).
func (a *adapter) checkActor(ctx context.Context, h *harvest, who *identity, report *ats.ConnectionReport, s *harvestState) {
	query := url.Values{"show_service_accounts": {"true"}, perPageParameter: {"1"}}
	if number(string(who.Sub)) != "" {
		query.Set(identifiersFilter, string(who.Sub))
	}
	users, _, err := list[user](ctx, h, resourceUsers, query)
	unscoped := s.known && !slices.Contains(s.scopes, scopeOf(resourceUsers, "list"))
	const notAdmin = "The acting user cannot read in Greenhouse: only a Site Admin can. Choose one as acting user, or let a Site Admin connect with a service account."
	check := ats.Check{Name: checkNameActor}
	switch {
	case unscoped:
		check.Message = "Whether the acting user is a Site Admin could not be asked without harvest:users:list."
	case fault.Is(err, fault.Permission), err == nil && len(users) == 0:
		check.Message, s.reads = notAdmin, notAdmin
	case err != nil:
		check.Message = fault.From(err).Message
	case users[0].Deactivated:
		check.Message = "The acting user is deactivated in Greenhouse. Choose another one."
		s.reads = check.Message
	case !users[0].SiteAdmin && who.Claims.UserRole != roleSiteAdmin && query.Has(identifiersFilter):
		check.Message, s.reads = notAdmin, notAdmin
	default:
		check.OK, check.Message = true, "The acting user is a Site Admin and can read."
	}
	report.Checks = append(report.Checks, check, checkClock(h.skew))
	report.ClockSkew = h.skew
}

func checkClock(skew time.Duration) ats.Check {
	if skew.Abs() > maxSkew {
		return ats.Check{Name: checkNameClock, Message: fmt.Sprintf("Greenhouse's clock and ours are %s apart. Set this machine's clock: tokens and events depend on it.", skew.Abs())}
	}
	return ats.Check{Name: checkNameClock, OK: true, Message: "Greenhouse's clock and ours agree."}
}

// effective is what a connection can do, with reasons.
func effective(c *ats.Connection, partner []ats.Check, s harvestState) []ats.Capability {
	all := capabilities()
	for i := range all {
		switch one := &all[i]; one.Name {
		case ats.CapabilityInbound, ats.CapabilityResults:
			degrade(one, partner)
		case ats.CapabilityWebhooks:
			checkWebhookSecret(c, one)
		case ats.CapabilityAuthorization:
			if setting(c, ats.SettingAuthMode, ats.AuthModeNone) == ats.AuthModeNone {
				off(one, notConnected)
			}
		case ats.CapabilityScorecards:
			one.Reasons = nil
			s.limit(one)
			if !restrictedScorecards(c) {
				off(one, noScorecards)
			}
		default:
			s.limit(one)
		}
	}
	return all
}

func off(capability *ats.Capability, reason string) {
	capability.Available = false
	capability.Reasons = append(capability.Reasons, reason)
}

func checkWebhookSecret(c *ats.Connection, capability *ats.Capability) {
	if c.Secrets[ats.SecretWebhook] == "" {
		off(capability, "The connection has no web hook secret. Issue one and enter it in Greenhouse.")
	}
}

// limit applies what was found to one capability.
func (s harvestState) limit(capability *ats.Capability) {
	if s.problem != "" {
		off(capability, s.problem)
		return
	}
	if s.reads != "" {
		off(capability, s.reads)
	}
	at := slices.IndexFunc(needs(), func(n need) bool { return n.capability == capability.Name })
	if at < 0 || !s.known {
		return
	}
	if missing := lacking(needs()[at].scopes, s.scopes); len(missing) > 0 {
		off(capability, "The credential lacks "+strings.Join(missing, ", ")+".")
	}
	if missing := lacking(needs()[at].parts, s.scopes); len(missing) > 0 {
		capability.Reasons = append(capability.Reasons, "Only in part: the credential lacks "+strings.Join(missing, ", ")+".")
	}
}
