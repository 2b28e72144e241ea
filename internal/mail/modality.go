package mail

import (
	"fmt"

	"github.com/trellis-ats/trellis/core"
)

// wording is how a modality is told to a candidate, in full sentences.
type wording struct {
	Name     string // "Chat"
	Lead     string // what the candidate will do
	Recorded string // what is kept of it
}

func wordingOf(m core.Modality) wording {
	switch m {
	case core.ModalityVoice:
		return wording{
			"Voice call", "You will talk with a simulated partner; you need a microphone and a quiet place.",
			"Your voice is recorded and written down.",
		}
	case core.ModalityVideo:
		return wording{
			"Video role play", "You will be in a video role play; you need a camera, a microphone and a quiet place.",
			"Your picture and voice are recorded, and what you say is written down.",
		}
	default:
		return wording{
			"Chat", "You will have a conversation in writing with a simulated partner.",
			"What you write is recorded.",
		}
	}
}

// durationOf tells minutes; "" for 0.
func durationOf(minutes int) string {
	switch minutes {
	case 0:
		return ""
	case 1:
		return "1 minute"
	default:
		return fmt.Sprintf("%d minutes", minutes)
	}
}
