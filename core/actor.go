package core

import (
	"slices"

	"github.com/trellis-ats/trellis/core/fault"
)

// Role tells what an actor may do.
type Role string

// The roles. System and ATS are never given to a token.
const (
	RoleAdmin     Role = "ADMIN"     // configures
	RoleApprover  Role = "APPROVER"  // approves thresholds
	RoleRecruiter Role = "RECRUITER" // orders, pushes, retries, decides
	RoleViewer    Role = "VIEWER"    // reads
	RoleEngine    Role = "ENGINE"    // reports progress and results, nothing else
	RoleSystem    Role = "SYSTEM"    // background work of Trellis itself
	RoleATS       Role = "ATS"       // a call that came with a connection's key
	RoleCandidate Role = "CANDIDATE" // a person who holds the link of an invitation
)

// TokenRoles are the roles that an API token can have.
func TokenRoles() []Role {
	return []Role{RoleAdmin, RoleApprover, RoleRecruiter, RoleViewer, RoleEngine}
}

// Actor is who does something, always within one organization.
type Actor struct {
	OrganizationID ID
	Role           Role
	ID             ID     // of the token, session or connection; empty for the system
	Name           string // for people, in timelines
	// Principal is what jobs are shared with: a token's id, or the e-mail
	// address of a person who signed in.
	Principal string
	// Scopes narrow what the role allows; empty means they do not.
	Scopes []Permission
}

// SystemActor acts for background work in an organization.
func SystemActor(organization ID) Actor {
	return Actor{OrganizationID: organization, Role: RoleSystem, Name: "Trellis"}
}

// Permission is something that an actor may or may not do.
type Permission string

// The permissions.
const (
	PermitRead      Permission = "READ"       // assessments, candidates, results, jobs: all, or those shared
	PermitReadTests Permission = "READ_TESTS" // the list of tests
	PermitReadSetup Permission = "READ_SETUP" // connections, adapters, sync log
	PermitConfigure Permission = "CONFIGURE"  // tests, connections, jobs' sharing
	PermitTokens    Permission = "TOKENS"     // API tokens
	PermitAudit     Permission = "AUDIT"      // the audit log
	PermitOrder     Permission = "ORDER"      // create, cancel, resend and retry
	PermitReport    Permission = "REPORT"     // start and complete assessments
	PermitApprove   Permission = "APPROVE"    // approve what others proposed
	PermitDecide    Permission = "DECIDE"     // advance, reject and undo in the review queue
)

// Permissions are all that there are.
func Permissions() []Permission {
	return []Permission{
		PermitRead, PermitReadTests, PermitReadSetup, PermitConfigure, PermitTokens, PermitAudit, PermitOrder, PermitReport,
		PermitApprove, PermitDecide,
	}
}

// permits is who may do what. A role that is missing here may do nothing.
func permits(r Role) []Permission {
	switch r {
	case RoleAdmin, RoleSystem: // who proposes does not approve
		return slices.DeleteFunc(Permissions(), func(p Permission) bool { return p == PermitApprove })
	case RoleApprover:
		return []Permission{PermitRead, PermitReadTests, PermitReadSetup, PermitAudit, PermitApprove, PermitDecide}
	case RoleRecruiter:
		return []Permission{PermitRead, PermitReadTests, PermitReadSetup, PermitOrder, PermitDecide}
	case RoleViewer:
		return []Permission{PermitRead}
	case RoleEngine:
		return []Permission{PermitReport}
	case RoleATS:
		return []Permission{PermitRead, PermitReadTests, PermitOrder}
	default:
		return nil
	}
}

// Known reports whether there is an actor at all.
func (a Actor) Known() bool { return a.OrganizationID != "" && a.Role != "" }

// May reports whether the actor may do p.
func (a Actor) May(p Permission) bool {
	if !a.Known() || !slices.Contains(permits(a.Role), p) {
		return false
	}
	return len(a.Scopes) == 0 || slices.Contains(a.Scopes, p)
}

// Require checks that the actor may do p.
// Errors: fault.Unauthenticated without an actor, fault.Forbidden.
func (a Actor) Require(p Permission) error {
	if !a.Known() {
		return fault.New(fault.Unauthenticated, "Sign in first: send an API token as \"Authorization: Bearer …\".")
	}
	if !a.May(p) {
		return fault.New(fault.Forbidden, "Your role %s, or the scopes of your token, do not allow this. Nothing was changed.", a.Role)
	}
	return nil
}
