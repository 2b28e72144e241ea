package greenhouse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
)

// statusComplete is the only status with a documented meaning; any other says
// "not finished" (facts/greenhouse.md 1.6).
const statusComplete = "complete"

const (
	maxMetadataText = 2000 // characters; Greenhouse's own limit is not documented
	maxMetadataName = 100  // characters
)

// testStatus is the answer to test_status.
type testStatus struct {
	Status     string    `json:"partner_status"`
	ProfileURL string    `json:"partner_profile_url,omitempty"`
	Score      *float64  `json:"partner_score,omitempty"`
	Metadata   *metadata `json:"metadata,omitempty"`
}

func encodeStatus(c *ats.Connection, p *ats.Progress) (*ats.HTTPResponse, error) {
	status, _ := translate(c, p)
	return answer(http.StatusOK, status)
}

// translate puts progress into Greenhouse's words and tells what was lost on
// the way. It says "complete" only with a link, which Greenhouse requires.
func translate(c *ats.Connection, p *ats.Progress) (s testStatus, degraded []string) {
	switch {
	case p.State == ats.StateScored && p.Result != nil && p.Result.ReportURL != "":
		return translateResult(c, p)
	case closed(p.State) && setting(c, settingClosed, closedStayOpen) == closedComplete && setting(c, settingClosedURL, "") != "":
		return testStatus{
			Status: statusComplete, ProfileURL: setting(c, settingClosedURL, ""),
			Metadata: new(metadata).add("Outcome", outcomes(p.State)),
		}, []string{"Told as complete without a score, since Greenhouse has no word for " + outcomes(p.State) + "."}
	case closed(p.State):
		return testStatus{Status: word(p.State)}, []string{"Greenhouse reads \"" + word(p.State) + "\" as not finished yet."}
	default:
		return testStatus{Status: word(p.State)}, nil
	}
}

func closed(s ats.State) bool {
	return s == ats.StateExpired || s == ats.StateCancelled || s == ats.StateFailed
}

// word is a status that Greenhouse reads as not finished. "sent" and
// "in_progress" are those that other partners use.
func word(s ats.State) string {
	switch s {
	case ats.StateStarted, ats.StateCompleted, ats.StateScored:
		return "in_progress"
	case ats.StateExpired:
		return "expired"
	case ats.StateCancelled:
		return "cancelled"
	case ats.StateFailed:
		return "failed"
	default:
		return "sent"
	}
}

func outcomes(s ats.State) string {
	switch s {
	case ats.StateExpired:
		return "expired before it was taken"
	case ats.StateCancelled:
		return "cancelled"
	default:
		return "failed for a technical reason"
	}
}

func translateResult(c *ats.Connection, p *ats.Progress) (testStatus, []string) {
	score := twoDecimals(p.Result.Score)
	s := testStatus{Status: statusComplete, ProfileURL: p.Result.ReportURL, Score: &score}
	if setting(c, settingScoreDelivery, scoreFull) == scoreSummary {
		return s, []string{"Traits, benchmark, summary and times are left out: score_delivery is summary."}
	}
	m := &metadata{}
	for _, t := range p.Result.Traits {
		m.addTrait(t)
	}
	m.addText("Indicator", p.Result.Indicator)
	m.addText("Recommendation", p.Result.Recommendation)
	m.addText("Benchmark", p.Result.Benchmark)
	m.addText("Summary", p.Result.Summary)
	m.addTime("Started At", p.StartedAt)
	m.addTime("Completed At", p.CompletedAt)
	if p.Result.Revision > 1 {
		m.add("Revision", p.Result.Revision)
	}
	s.Metadata = m
	return s, m.degraded
}

func twoDecimals(f float64) float64 { return math.Round(f*100) / 100 }

// metadata is a flat JSON object with an order: people read it from the top.
type metadata struct {
	names    []string
	values   []any // text or numbers
	degraded []string
}

// add appends an entry; a name that is taken gets a number.
func (m *metadata) add(name string, value any) *metadata {
	unique := name
	for i := 2; m.has(unique); i++ {
		unique = fmt.Sprintf("%s (%d)", name, i)
	}
	if unique != name {
		m.degraded = append(m.degraded, fmt.Sprintf("There are several entries named %q; one is shown as %q.", name, unique))
	}
	m.names, m.values = append(m.names, unique), append(m.values, value)
	return m
}

func (m *metadata) has(name string) bool {
	for _, n := range m.names {
		if n == name {
			return true
		}
	}
	return false
}

func (m *metadata) addTrait(t ats.TraitRecord) {
	name := t.Name
	if name == "" {
		name = t.Key
	}
	m.add(shorten(oneLine(name), maxMetadataName), twoDecimals(t.Score))
}

func (m *metadata) addText(name, text string) {
	if text == "" {
		return
	}
	short := shorten(text, maxMetadataText)
	if short != text {
		m.degraded = append(m.degraded, fmt.Sprintf("%s was shortened to %d characters; the report has all of it.", name, maxMetadataText))
	}
	m.add(name, short)
}

// addTime writes RFC 3339 in UTC. Greenhouse's example ("10:15 AM 26 March
// 2014") tells no zone, and the value is only shown, so it need not be parsed.
func (m *metadata) addTime(name string, t time.Time) {
	if !t.IsZero() {
		m.add(name, t.UTC().Format(time.RFC3339))
	}
}

// MarshalJSON keeps the order of the entries.
func (m *metadata) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, name := range m.names {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := e.Encode(name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := e.Encode(m.values[i]); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
