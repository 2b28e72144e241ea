package core_test

import (
	"testing"

	"github.com/trellis-ats/trellis/core"
)

func TestStandingSentence(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		standing core.Standing
		score    core.Score
		want     string
	}{
		{core.Standing{Count: 19, Below: 18}, 8200, "82/100, not enough data yet for a benchmark (19 of 20 assessments)"},
		{core.Standing{Count: 20, Below: 15}, 8250, "82.5/100, above your team's 75th percentile (20 assessments)"},
		{core.Standing{Count: 100, Below: 1}, 300, "3/100, above your team's 1st percentile (100 assessments)"},
		{core.Standing{Count: 100, Below: 12}, 1200, "12/100, above your team's 12th percentile (100 assessments)"},
		{core.Standing{Count: 1000, Below: 929}, 9900, "99/100, above your team's 92nd percentile (1000 assessments)"},
	} {
		if got := c.standing.Sentence(c.score); got != c.want {
			t.Errorf("%+v:\n got %s\nwant %s", c.standing, got, c.want)
		}
	}
}
