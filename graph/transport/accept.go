package transport

import (
	"mime"
	"strconv"
	"strings"
)

// mediaType is how an answer is written.
type mediaType string

const (
	none       mediaType = ""
	asJSON     mediaType = "application/json"
	asResponse mediaType = "application/graphql-response+json"
)

// negotiate chooses what the caller likes best. A caller that does not say, or
// takes anything, gets application/json, as the specification asks for.
func negotiate(accept []string) mediaType {
	header := strings.Join(accept, ",")
	if strings.TrimSpace(header) == "" {
		return asJSON
	}
	best, quality := none, 0.0
	for part := range strings.SplitSeq(header, ",") {
		t, q := weigh(part)
		if t != none && q > quality {
			best, quality = t, q
		}
	}
	return best
}

// weigh reads one range of an Accept header and its quality, from 0 to 1.
func weigh(part string) (mediaType, float64) {
	name, params, err := mime.ParseMediaType(part)
	if err != nil {
		return none, 0
	}
	quality := 1.0
	if text, ok := params["q"]; ok {
		if quality, err = strconv.ParseFloat(text, 64); err != nil {
			return none, 0
		}
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return none, 0
	}
	switch name {
	case "*/*", "application/*", string(asJSON):
		return asJSON, quality
	case string(asResponse):
		return asResponse, quality
	default:
		return none, 0
	}
}
