package sdk

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const longestRetryAfter = 24 * time.Hour

// RetryAfter reads the Retry-After header, in seconds or as an HTTP date
// relative to now. It returns 0 if there is none, or none that can be read;
// more than 24 hours counts as 24 hours.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 {
		return time.Duration(min(seconds, longestRetryAfter.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(0, at.Sub(now)), longestRetryAfter)
	}
	return 0
}
