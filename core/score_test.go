package core_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
)

func TestNormalizeScore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value, maximum float64
		want           string
	}{
		{82.5, 100, "82.5"}, {0, 100, "0"}, {100, 100, "100"}, {4, 5, "80"}, {2, 3, "66.67"}, {0.1 + 0.2, 1, "30"},
	} {
		got, err := core.NormalizeScore("score", c.value, c.maximum)
		if err != nil || got.String() != c.want {
			t.Errorf("%v of %v: got %s, %v; want %s", c.value, c.maximum, got, err, c.want)
		}
	}
}

func TestNormalizeScoreRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ value, maximum float64 }{
		{101, 100}, {-1, 100}, {math.NaN(), 100}, {math.Inf(1), 100}, {1, 0}, {1, -5}, {1, math.NaN()}, {1, math.Inf(1)},
	} {
		_, err := core.NormalizeScore("score", c.value, c.maximum)
		if f := fault.From(err); f == nil || f.Code != fault.Invalid || len(f.Fields) != 1 {
			t.Errorf("%v of %v: got %v; want a refusal that names the field", c.value, c.maximum, err)
		}
	}
}

func TestScoreStaysOnTheScale(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		maximum := rapid.Float64Range(0.001, 1e9).Draw(t, "maximum")
		value := rapid.Float64Range(0, maximum).Draw(t, "value")
		s, err := core.NormalizeScore("score", value, maximum)
		if err != nil || s < core.MinScore || s > core.MaxScore {
			t.Fatalf("got %v, %v", s, err)
		}
		again, err := core.ParseScore("score", s.Float())
		if err != nil || again != s {
			t.Fatalf("%v is not itself after a round trip: %v, %v", s, again, err)
		}
	})
}
