package core

import "github.com/trellis-ats/trellis/core/fault"

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
	ID             ID     // of the token or connection; empty for the system
	Name           string // for people, in timelines
}

// SystemActor acts for background work in an organization.
func SystemActor(organization ID) Actor {
	return Actor{OrganizationID: organization, Role: RoleSystem, Name: "Trellis"}
}

// Permission is something that an actor may or may not do.
type Permission string

// The permissions.
const (
	PermitRead      Permission = "READ"       // assessments, candidates, results, tests
	PermitReadSetup Permission = "READ_SETUP" // connections, sync log
	PermitConfigure Permission = "CONFIGURE"
	PermitOrder     Permission = "ORDER"  // create and cancel assessments
	PermitReport    Permission = "REPORT" // start and complete assessments
)

// permits is who may do what. A role that is missing here may do nothing.
func permits(r Role) []Permission {
	switch r {
	case RoleAdmin, RoleSystem:
		return []Permission{PermitRead, PermitReadSetup, PermitConfigure, PermitOrder, PermitReport}
	case RoleApprover, RoleViewer:
		return []Permission{PermitRead}
	case RoleRecruiter:
		return []Permission{PermitRead, PermitReadSetup, PermitOrder}
	case RoleEngine:
		return []Permission{PermitReport}
	case RoleATS:
		return []Permission{PermitRead, PermitOrder}
	case RoleCandidate:
		return nil
	default:
		return nil
	}
}

// Require checks that the actor may do p.
// Errors: fault.Unauthenticated without an actor, fault.Forbidden.
func (a Actor) Require(p Permission) error {
	if a.OrganizationID == "" || a.Role == "" {
		return fault.New(fault.Unauthenticated, "Sign in first: send an API token as \"Authorization: Bearer …\".")
	}
	for _, have := range permits(a.Role) {
		if have == p {
			return nil
		}
	}
	return fault.New(fault.Forbidden, "Your role %s does not allow this. Nothing was changed.", a.Role)
}
