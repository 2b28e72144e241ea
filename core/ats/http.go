package ats

import "time"

// HTTPRequest is a request that came to the host, as it is carried to the
// adapter. The credential has been taken out of the headers.
type HTTPRequest struct {
	Method string
	Path   string            // as received, with its query cut off
	Params map[string]string // the wildcards of the route
	Query  map[string][]string
	Header map[string][]string // canonical names
	Body   []byte              // at most 1 MiB
}

// HTTPResponse is an answer that the adapter wants to be sent.
type HTTPResponse struct {
	Status int
	Header map[string][]string
	Body   []byte
}

// Exchange is one HTTP request that an adapter made, redacted, for the sync log.
type Exchange struct {
	Method         string
	URL            string // query values masked where they are secret
	RequestBody    string // redacted; cut at 16 KiB
	Status         int    // 0 if no answer came
	ResponseBody   string // redacted; cut at 16 KiB
	ResponseHeader map[string]string
	StartedAt      time.Time
	Duration       time.Duration
	Error          string // why no answer came
}

// InboundRequest is one call from the ATS to a route of the adapter.
type InboundRequest struct {
	Connection Connection
	Route      string // the name of the route
	HTTP       HTTPRequest
}
