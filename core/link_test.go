package core_test

import (
	"strings"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
)

func newLinks() *core.Links {
	return core.NewLinks(core.LinkOptions{
		PublicURL: "https://trellis.example.com/", EngineURL: "https://engine.example.com/run?a={assessment}&t={token}",
		Key: []byte("0123456789abcdef0123456789abcdef"),
	})
}

func token(t *testing.T, address, path string) string {
	t.Helper()
	_, after, ok := strings.Cut(address, path)
	if !ok {
		t.Fatalf("%s does not hold %s", address, path)
	}
	return after
}

func TestLinksAreForOnePurpose(t *testing.T) {
	t.Parallel()
	l, clock := newLinks(), coretest.NewClock()
	a := &core.Assessment{ID: core.NewID(core.PrefixAssessment), ReportLinkGen: 3, ExpiresAt: clock.Now().Add(time.Hour)}
	invitation := token(t, l.Invitation(a), "https://trellis.example.com/a/")
	permalink := token(t, l.Permalink(a), "/r/")
	if id, err := l.OpenInvitation(invitation); err != nil || id != a.ID {
		t.Errorf("invitation: %v, %v", id, err)
	}
	if id, generation, err := l.OpenPermalink(permalink); err != nil || id != a.ID || generation != 3 {
		t.Errorf("permalink: %v, %v, %v", id, generation, err)
	}
	if _, _, err := l.OpenPermalink(invitation); !fault.Is(err, fault.NotFound) {
		t.Errorf("an invitation opened the report: %v", err)
	}
	if _, err := l.OpenInvitation(permalink); !fault.Is(err, fault.NotFound) {
		t.Errorf("a permalink opened the invitation: %v", err)
	}
}

func TestLinksResistTampering(t *testing.T) {
	t.Parallel()
	l := newLinks()
	a := &core.Assessment{ID: core.NewID(core.PrefixAssessment), ReportLinkGen: 1}
	whole := token(t, l.Permalink(a), "/r/")
	for i := range whole {
		changed := []byte(whole)
		changed[i] ^= 1
		if _, _, err := l.OpenPermalink(string(changed)); err == nil {
			t.Fatalf("byte %d can be changed", i)
		}
		if _, _, err := l.OpenPermalink(whole[:i]); err == nil {
			t.Fatalf("the first %d bytes are enough", i)
		}
	}
	other := core.NewLinks(core.LinkOptions{Key: []byte("another key of thirty-two bytes.")})
	if _, _, err := other.OpenPermalink(whole); err == nil {
		t.Error("another key opens it")
	}
}

func TestReportAddressExpires(t *testing.T) {
	t.Parallel()
	l, clock := newLinks(), coretest.NewClock()
	id := core.NewID(core.PrefixAssessment)
	address, until := l.Report(id, clock.Now())
	if got := until.Sub(clock.Now()); got != 15*time.Minute {
		t.Errorf("it is valid for %v", got)
	}
	clock.Turn(15 * time.Minute)
	if _, err := l.OpenReport(token(t, address, "/report/"), clock.Now()); err != nil {
		t.Errorf("at its end: %v", err)
	}
	clock.Turn(time.Second)
	if _, err := l.OpenReport(token(t, address, "/report/"), clock.Now()); !fault.Is(err, fault.Forbidden) {
		t.Errorf("after its end: %v", err)
	}
}

func TestLaunchToken(t *testing.T) {
	t.Parallel()
	l, clock := newLinks(), coretest.NewClock()
	id := core.NewID(core.PrefixAssessment)
	address, err := l.Launch(id, clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	launch := token(t, address, "https://engine.example.com/run?a="+string(id)+"&t=")
	if err := l.CheckLaunch(launch, id, clock.Now()); err != nil {
		t.Error(err)
	}
	if err := l.CheckLaunch(launch, core.NewID(core.PrefixAssessment), clock.Now()); !fault.Is(err, fault.Invalid) {
		t.Errorf("another assessment: %v", err)
	}
	clock.Turn(24*time.Hour + time.Second)
	if err := l.CheckLaunch(launch, id, clock.Now()); !fault.Is(err, fault.Invalid) {
		t.Errorf("a day later: %v", err)
	}
	if _, err := core.NewLinks(core.LinkOptions{}).Launch(id, clock.Now()); !fault.Is(err, fault.Config) {
		t.Errorf("without an engine: %v", err)
	}
}
