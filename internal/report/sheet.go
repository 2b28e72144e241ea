package report

import (
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/httpd/page"
)

// sheet is a report in the order and words of its page. Texts are as the engine
// gave them; the templates escape them.
type sheet struct {
	Candidate, Test, Modality string
	Score                     core.Score
	Benchmark                 string // what stands behind the number, as a sentence
	Traits                    []core.TraitScore
	Completed, Scored         time.Time
	Revision                  int
	Summary, Analysis         template.HTML
	Moments                   []moment
	Notes                     []template.HTML
	Turns                     []turn
	Print                     string // where the PDF is
}

type moment struct {
	core.Moment
	Word string // "Raised", "Lowered" or "Noted"
	Sign string // class of its mark: "up", "down" or "even"
	Turn int    // number of the turn it belongs to, from 1; 0 for none
}

type turn struct {
	core.Turn
	Number  int
	Initial string
	Tone    int  // 1 to 4, the same for the same speaker
	Same    bool // the speaker of the turn before goes on
	Moments []moment
}

func (p *Pages) sheet(v *core.ReportView) sheet {
	report := v.Result.Report
	s := sheet{
		Candidate: v.Candidate.Name(), Test: v.Test.Name, Modality: modality(v.Test.Modality),
		Score: v.Result.Score, Benchmark: sentence(v.Benchmark, v.Result.Score), Traits: v.Result.Traits,
		Completed: v.Assessment.CompletedAt, Scored: v.Result.CreatedAt, Revision: v.Result.Revision,
		Summary: p.prose.html(report.Summary), Analysis: p.prose.html(report.Analysis),
		Turns: turns(report.Transcript),
	}
	for _, n := range report.CoachingNotes {
		s.Notes = append(s.Notes, p.prose.html(n))
	}
	for _, m := range report.Moments {
		m.Trait = traitName(m.Trait, v.Result.Traits)
		s.Moments = append(s.Moments, momentOf(m, s.Turns))
	}
	return s
}

// traitName is how a trait is called that a moment names by its key. A trait
// without a score keeps its key.
func traitName(key string, traits []core.TraitScore) string {
	for _, t := range traits {
		if t.Key == key && t.Name != "" {
			return t.Name
		}
	}
	return key
}

// sentence is the benchmark without the score before it, which the page shows
// on its own: "Above your team's 75th percentile (42 assessments)".
func sentence(benchmark string, score core.Score) string {
	rest := strings.TrimSpace(strings.TrimPrefix(benchmark, score.String()+"/100,"))
	if rest == "" {
		return ""
	}
	return strings.ToUpper(rest[:1]) + rest[1:]
}

func modality(m core.Modality) string {
	switch m {
	case core.ModalityVoice:
		return "Voice call"
	case core.ModalityVideo:
		return "Video role play"
	default:
		return "Chat"
	}
}

func turns(transcript []core.Turn) []turn {
	tones := map[string]int{}
	out := make([]turn, len(transcript))
	for i, t := range transcript {
		speaker := page.Line(t.Speaker)
		if speaker == "" {
			speaker = "Unknown speaker"
		}
		if tones[speaker] == 0 {
			tones[speaker] = len(tones)%4 + 1
		}
		t.Speaker = speaker
		out[i] = turn{
			Turn: t, Number: i + 1, Initial: initial(speaker), Tone: tones[speaker],
			Same: i > 0 && out[i-1].Speaker == speaker,
		}
	}
	return out
}

func initial(name string) string {
	for _, r := range name {
		return strings.ToUpper(string(r))
	}
	return ""
}

// momentOf finds the turn that a moment belongs to, the last that had begun by
// then, and marks it.
func momentOf(m core.Moment, turns []turn) moment {
	out := moment{Moment: m, Word: "Noted", Sign: "even"}
	switch m.Impact {
	case "POSITIVE":
		out.Word, out.Sign = "Raised the score", "up"
	case "NEGATIVE":
		out.Word, out.Sign = "Lowered the score", "down"
	}
	latest := -1
	for i := range turns {
		if turns[i].At <= m.At && (latest < 0 || turns[i].At >= turns[latest].At) {
			latest = i
		}
	}
	if latest >= 0 {
		out.Turn = turns[latest].Number
		turns[latest].Moments = append(turns[latest].Moments, out)
	}
	return out
}

// Anchor is the id of the turn's place on the page.
func (t turn) Anchor() string { return "turn-" + strconv.Itoa(t.Number) }
