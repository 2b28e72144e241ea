package core

import (
	"math"
	"strconv"

	"github.com/trellis-ats/trellis/core/fault"
)

// Score is a decimal from 0 to 100 in hundredths, so that comparing with a
// threshold is exact: 8250 is 82.5.
type Score int32

// The ends of the scale.
const (
	MinScore Score = 0
	MaxScore Score = 100_00
)

// ParseScore rounds value to two decimals, half away from zero.
// Errors: fault.Invalid at path for NaN, infinity and values outside 0–100.
func ParseScore(path string, value float64) (Score, error) {
	if math.IsNaN(value) || value < 0 || value > 100 {
		return 0, fault.InvalidField(path, "OUT_OF_RANGE", "A score is a number from 0 to 100.")
	}
	return Score(math.Round(value * 100)), nil
}

// exactScore is ParseScore for what people set: more than two decimals would be
// rounded without their knowing. Errors: fault.Invalid at path.
func exactScore(path string, value float64) (Score, error) {
	s, err := ParseScore(path, value)
	if err == nil && math.Abs(s.Float()-value) > 1e-9 {
		err = fault.InvalidField(path, "TOO_PRECISE", "%s has at most two decimals.", path)
	}
	return s, err
}

// NormalizeScore brings value on a scale of 0 to maximum to 0–100.
// Errors: fault.Invalid at path, or at "maxScore" for a maximum that is no positive number.
func NormalizeScore(path string, value, maximum float64) (Score, error) {
	if math.IsNaN(maximum) || math.IsInf(maximum, 0) || maximum <= 0 {
		return 0, fault.InvalidField("maxScore", "OUT_OF_RANGE", "The maximum of a score is a positive number.")
	}
	if math.IsNaN(value) || value < 0 || value > maximum {
		return 0, fault.InvalidField(path, "OUT_OF_RANGE", "A score is a number from 0 to its maximum, here %s.",
			strconv.FormatFloat(maximum, 'f', -1, 64))
	}
	return ParseScore(path, value/maximum*100)
}

// Float returns the score as a number from 0 to 100.
func (s Score) Float() float64 { return float64(s) / 100 }

// String returns the shortest decimal: "82.5".
func (s Score) String() string { return strconv.FormatFloat(s.Float(), 'f', -1, 64) }
