package sandbox

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"
)

// performance is what the pretended engine makes of a pretended conversation.
type performance struct {
	score      float64
	traits     []traitScore
	transcript []turn
	notes      []string
	moments    []moment
	summary    string
	analysis   string
}

type traitScore struct {
	scene scene
	score float64
}

type turn struct {
	Speaker string `json:"speaker"`
	Text    string `json:"text"`
	At      int    `json:"at"` // seconds from the start
}

type moment struct {
	At      int    `json:"at"` // seconds from the start
	Trait   string `json:"trait"`
	Impact  string `json:"impact"`
	Quote   string `json:"quote"`
	Comment string `json:"comment"`
}

const (
	spread       = 13 // how far a trait may be from the talent
	goodFrom     = 65 // a trait from here on is shown by a good line
	strongFrom   = 78
	secondsATurn = 14
)

// perform plays the conversation. The same seed and talent give the same
// performance; a talent of 0 is drawn from the seed.
func perform(seed string, talent int) performance {
	h := fnv.New64a()
	_, _ = h.Write([]byte(seed))                // never fails
	dice := rand.New(rand.NewPCG(h.Sum64(), 1)) //nolint:gosec // a play, the same each time
	if talent == 0 {
		talent = 35 + dice.IntN(61)
	}
	p := performance{transcript: []turn{{Speaker: "Buyer", Text: opening(dice), At: 3}}}
	at, sum := 3, 0.0
	for _, s := range scenes() {
		score := trait(dice, talent)
		sum += score
		at = p.play(dice, s, score, at)
	}
	p.score = half(sum / float64(len(p.traits)))
	p.conclude()
	return p
}

func trait(dice *rand.Rand, talent int) float64 {
	return half(min(99, max(12, float64(talent)+dice.Float64()*2*spread-spread)))
}

func half(f float64) float64 { return math.Round(f*2) / 2 }

func opening(dice *rand.Rand) string {
	lines := []string{
		"Hi, I have about ten minutes. Your colleague said you could help with our pipeline reviews.",
		"Thanks for calling back. To be frank, we looked at three tools this month already.",
		"Good morning. I run sales operations here; what is this about?",
	}
	return lines[dice.IntN(len(lines))]
}

// play adds one scene, in which one trait shows, and returns when it ends.
func (p *performance) play(dice *rand.Rand, s scene, score float64, at int) int {
	lines, comments, impact := s.weak, s.weakComment, "NEGATIVE"
	if score >= goodFrom {
		lines, comments, impact = s.good, s.goodComment, "POSITIVE"
	}
	line := lines[dice.IntN(len(lines))]
	asked := at + secondsATurn + dice.IntN(9)
	said := asked + secondsATurn + dice.IntN(12)
	p.traits = append(p.traits, traitScore{scene: s, score: score})
	p.transcript = append(p.transcript, turn{"Buyer", s.buyer, asked}, turn{"Candidate", line, said})
	p.moments = append(p.moments, moment{At: said, Trait: s.key, Impact: impact, Quote: line, Comment: comments})
	if score < strongFrom {
		p.notes = append(p.notes, s.advice)
	}
	return said
}

func (p *performance) conclude() {
	best, worst := p.traits[0], p.traits[0]
	for _, t := range p.traits {
		if t.score > best.score {
			best = t
		}
		if t.score < worst.score {
			worst = t
		}
	}
	p.transcript = append(p.transcript, turn{"Buyer", "All right, that is my time. Thanks for the call.", p.transcript[len(p.transcript)-1].At + secondsATurn})
	if len(p.notes) == 0 {
		p.notes = []string{"Keep doing this; try a call with several stakeholders next."}
	}
	p.summary = fmt.Sprintf("%s %s was the strongest side (%g), %s leaves most room (%g).",
		verdict(p.score), best.scene.name, best.score, strings.ToLower(worst.scene.name), worst.score)
	var analysis strings.Builder
	for _, t := range p.traits {
		comment := t.scene.weakComment
		if t.score >= goodFrom {
			comment = t.scene.goodComment
		}
		fmt.Fprintf(&analysis, "%s (%g): %s\n\n", t.scene.name, t.score, comment)
	}
	p.analysis = strings.TrimSpace(analysis.String())
}

func verdict(score float64) string {
	switch {
	case score >= strongFrom:
		return "A confident call that moved the deal forward."
	case score >= goodFrom:
		return "A solid call with a clear next step."
	case score >= 50:
		return "A friendly call that stayed on the surface."
	default:
		return "The call lost its thread early."
	}
}

// input is the input of completeAssessment.
func (p performance) input(assessment string) map[string]any {
	traits := make([]map[string]any, len(p.traits))
	for i, t := range p.traits {
		traits[i] = map[string]any{"key": t.scene.key, "name": t.scene.name, "score": t.score}
	}
	return map[string]any{
		"assessmentId": assessment, "score": p.score, "maxScore": 100, "traits": traits,
		"report": map[string]any{
			"summary": p.summary, "analysis": p.analysis, "transcript": p.transcript, "coachingNotes": p.notes, "moments": p.moments,
		},
	}
}
