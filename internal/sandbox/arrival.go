package sandbox

import (
	"context"
	"net/url"

	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

// Credentials are what a customer, and the vendor as a partner, copy into Trellis.
type Credentials = account.Credentials

// Credentials returns those that the account began with.
func (s *Sandbox) Credentials() Credentials { return s.account.Credentials() }

func (s *Sandbox) accountOptions() account.Options {
	o := account.Options{
		PublicURL: s.o.PublicURL, ClientID: s.o.ClientID, ClientSecret: s.o.ClientSecret, PartnerID: s.o.PartnerID, PartnerSecret: s.o.PartnerSecret,
		Offset: s.o.Offset, Rules: s.o.Rules, Clock: s.o.Clock, Changed: func() { s.book.change(func() {}) }, Entered: s.entered,
	}
	for _, address := range []string{s.o.TrellisURL, s.o.PublicURL} {
		if u, err := url.Parse(address); err == nil {
			o.RedirectHosts = append(o.RedirectHosts, u.Host)
		}
	}
	for _, p := range people() {
		o.People = append(o.People, account.Person{
			ID: int64(p.ID), ApplicationID: int64(p.ApplicationID), FirstName: p.FirstName, LastName: p.LastName, Email: p.Email, JobID: jobOf(p),
		})
	}
	return o
}

func jobOf(p Person) int64 {
	switch p.Role {
	case "Sales Development Rep":
		return account.JobDevelopment
	case "Regional Sales Lead":
		return account.JobClosed
	default:
		return account.JobExecutive
	}
}

// entered presses "Send Test" with the first test for who entered a stage that
// has a take-home test.
func (s *Sandbox) entered(at account.Placed) {
	s.background(func(ctx context.Context) {
		tests := s.book.snapshot(0).Tests
		if len(tests) == 0 {
			s.refreshTests(ctx)
			tests = s.book.snapshot(0).Tests
		}
		if len(tests) == 0 {
			s.book.note(0, Call{Who: "Greenhouse", Whom: "Greenhouse", Note: "no test could be sent for who entered the stage", Bad: true})
			return
		}
		p, ok := personByID(int(at.CandidateID))
		if !ok {
			p = Person{ID: int(at.CandidateID), FirstName: at.FirstName, LastName: at.LastName, Email: at.Email}
		}
		p.ApplicationID = int(at.ApplicationID)
		s.sendTest(ctx, p, tests[0])
	})
}

// begin is what follows when the sandbox can be reached.
func (s *Sandbox) begin(ctx context.Context) {
	s.configureHooks(ctx)
	s.o.Begun(ctx)
	s.refreshJobs(ctx)
}

// configureHooks saves those of the options; the page shows what came of their pings.
func (s *Sandbox) configureHooks(ctx context.Context) {
	for _, h := range s.o.Hooks {
		if _, err := s.account.AddHook(ctx, h); err != nil {
			s.o.Log.Warn("a web hook of the sandbox was not configured", "error", err.Error())
		}
	}
}
