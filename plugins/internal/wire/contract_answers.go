package wire

import (
	"net/url"

	"github.com/trellis-ats/trellis/core/ats"
)

// The most that one answer may hold.
const (
	maxMatches = 100
	maxPage    = 500
)

func checkMatches(m *ats.CandidateMatches) error {
	if len(m.Matches) > maxMatches {
		return breach("%d people who match; at most %d can", len(m.Matches), maxMatches)
	}
	for _, one := range m.Matches {
		if one.CandidateID == "" {
			return breach("a match without the id of the candidate")
		}
		if err := checkRecords(one.Applications); err != nil {
			return err
		}
	}
	return nil
}

func checkRecords(list []ats.ApplicationRecord) error {
	if len(list) > maxPage {
		return breach("a list of %d applications; at most %d can come at once", len(list), maxPage)
	}
	for _, one := range list {
		if one.ID == "" || one.CandidateID == "" {
			return breach("an application without its id or its candidate's")
		}
		if !knownState(one.State) {
			return breach("an application in the unknown state %.80q", one.State)
		}
	}
	return nil
}

func knownState(s ats.ApplicationState) bool {
	switch s {
	case ats.ApplicationActive, ats.ApplicationRejected, ats.ApplicationHired, ats.ApplicationConverted:
		return true
	default:
		return false
	}
}

func checkApplications(l *ats.ApplicationList, cursor string) error {
	if err := checkCursor(l.Next, cursor); err != nil {
		return err
	}
	return checkRecords(l.Applications)
}

// checkCursor sees to it that whoever reads all pages comes to an end.
func checkCursor(next, asked string) error {
	if next != "" && next == asked {
		return breach("a next page that is the same page")
	}
	return nil
}

func checkCandidateReceipt(r *ats.CandidateReceipt) error {
	if r.CandidateID == "" {
		return breach("a receipt without the id of the candidate")
	}
	return nil
}

func checkApplicationReceipt(r *ats.ApplicationReceipt) error {
	if r.ApplicationID == "" {
		return breach("a receipt without the id of the application")
	}
	return nil
}

func checkReferences(p *ats.ReferencePage, cursor string) error {
	if len(p.Items) > maxPage {
		return breach("a page of %d things to choose; at most %d can come at once", len(p.Items), maxPage)
	}
	for _, i := range p.Items {
		if i.ID == "" {
			return breach("a thing to choose without an id")
		}
	}
	return checkCursor(p.Next, cursor)
}

func checkConsentPage(p *ats.ConsentPage) error {
	u, err := url.Parse(p.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return breach("a page of consent without an address")
	}
	return nil
}

func checkGrant(g *ats.Grant) error {
	if g.Secrets[ats.SecretAccessToken] == "" {
		return breach("a grant without an access token")
	}
	return nil
}

// checkVerdict makes sure that a repeat can be recognised and the answer sent.
func checkVerdict(v *ats.Verdict) error {
	switch {
	case v == nil:
		return breach("no verdict on a web hook")
	case v.Integrity != ats.IntegrityBody && v.Integrity != ats.IntegrityNone:
		return breach("the unknown integrity %.80q of a web hook", v.Integrity)
	case v.Verified && !v.Ping && v.Content == "":
		return breach("a web hook without a digest of what it says")
	}
	return checkResponse(&v.Answer)
}

func checkTranslation(t *ats.Translation) error {
	if t == nil {
		return breach("no translation of a web hook")
	}
	if len(t.Events) > maxPage {
		return breach("%d events in one web hook; at most %d can be", len(t.Events), maxPage)
	}
	for _, e := range t.Events {
		switch {
		case e.Kind == "" || e.CandidateID == "" && e.ApplicationID == "":
			return breach("an event of no kind, or about nobody")
		case e.State != "" && !knownState(e.State):
			return breach("an event that leads to the unknown state %.80q", e.State)
		}
	}
	return nil
}
