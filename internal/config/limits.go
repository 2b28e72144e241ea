package config

import (
	"errors"
	"fmt"
	"os"
)

// Limits bound callers of the API.
type Limits struct {
	RateLimit     int    `env:"TRELLIS_RATE_LIMIT" default:"60000" help:"Requests a minute of one token or person to GraphQL; 0 for no limit. Costly operations count as several."`
	RateBurst     int    `env:"TRELLIS_RATE_BURST" default:"30000" help:"Requests at once within that limit."`
	StrangerLimit int    `env:"TRELLIS_STRANGER_LIMIT" default:"120" help:"Requests a minute of one address without a valid token or session; 0 for no limit."`
	SignInLimit   int    `env:"TRELLIS_SIGNIN_LIMIT" default:"20" help:"Attempts a minute of one address to sign in; 0 for no limit."`
	Introspection string `env:"TRELLIS_GRAPHQL_INTROSPECTION" default:"auto" enum:"auto,on,off" help:"Whether callers may ask for the schema; auto: admins, and in a demo everyone."`
	Suggestions   string `env:"TRELLIS_GRAPHQL_SUGGESTIONS" default:"auto" enum:"auto,on,off" help:"Whether errors quote the request and suggest names of the schema; auto: in a demo."`
	AllowList     string `env:"TRELLIS_GRAPHQL_ALLOWLIST" help:"A JSON file of the only documents to run: {\"sha256\": \"query …\"} or [\"query …\"]."`
}

// maxAllowList is the largest file of documents that is read, in bytes.
const maxAllowList = 16 << 20

// On reports what a switch means: auto is what the caller would do.
func On(setting string, auto bool) bool {
	switch setting {
	case "on":
		return true
	case "off":
		return false
	default:
		return auto
	}
}

// AllowedDocuments returns the content of the allow-list's file; nil for none.
func (l Limits) AllowedDocuments() ([]byte, error) {
	if l.AllowList == "" {
		return nil, nil
	}
	info, err := os.Stat(l.AllowList)
	if err != nil {
		return nil, fmt.Errorf("the file of TRELLIS_GRAPHQL_ALLOWLIST cannot be read: %w", err)
	}
	if info.Size() > maxAllowList {
		return nil, fmt.Errorf("the file of TRELLIS_GRAPHQL_ALLOWLIST is larger than %d bytes", maxAllowList)
	}
	raw, err := os.ReadFile(l.AllowList)
	if err != nil {
		return nil, fmt.Errorf("the file of TRELLIS_GRAPHQL_ALLOWLIST cannot be read: %w", err)
	}
	return raw, nil
}

func (l Limits) validateLimits() error {
	if l.RateLimit < 0 || l.RateBurst < 0 || l.StrangerLimit < 0 || l.SignInLimit < 0 {
		return errors.New("TRELLIS_RATE_LIMIT, TRELLIS_RATE_BURST, TRELLIS_STRANGER_LIMIT and TRELLIS_SIGNIN_LIMIT are numbers from 0")
	}
	return nil
}
