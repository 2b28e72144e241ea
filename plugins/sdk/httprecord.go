package sdk

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/trellis-ats/trellis/core/ats"
)

const (
	mask            = "[masked]"
	maxRecordedBody = 16 << 10 // bytes
)

// Exchanges returns the record of the session's calls, oldest first; of more
// than 200, the last 200.
func (s *Session) Exchanges() []ats.Exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]ats.Exchange(nil), s.exchanges...)
}

func (s *Session) record(req *http.Request, body []byte, reply *HTTPReply, err error, started time.Time) {
	x := ats.Exchange{
		Method: req.Method, URL: s.redact.url(req.URL), RequestBody: s.redact.body(body, req.Header),
		StartedAt: started, Duration: time.Since(started),
	}
	if reply != nil {
		x.Status = reply.Status
		x.ResponseBody = s.redact.body(reply.Body, reply.Header)
		x.ResponseHeader = s.redact.header(reply.Header)
	}
	if err != nil {
		x.Error = s.redact.text(reason(err))
	}
	s.client.log.Debug("outbound call", "method", x.Method, "host", req.URL.Host, "status", x.Status, "duration", x.Duration, "error", x.Error)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exchanges = append(s.exchanges, x)
	if len(s.exchanges) > maxRecordedExchanges {
		s.exchanges = s.exchanges[1:]
	}
}

// reason is the error in few words, for people.
func reason(err error) string {
	var call *CallError
	if errors.As(err, &call) && call.Timeout {
		return "no complete answer within the time limit"
	}
	return err.Error()
}

// redactor takes out of a record what must not be kept.
type redactor struct {
	secrets   *strings.Replacer
	property  *regexp.Regexp // "name" : with the name in it; nil if no names
	parameter *regexp.Regexp // name=value in a form
}

func newRedactor(secrets, sensitive []string) *redactor {
	r := &redactor{secrets: strings.NewReplacer(spellings(secrets)...)}
	var quoted []string
	for _, name := range sensitive {
		if name != "" {
			quoted = append(quoted, regexp.QuoteMeta(name))
		}
	}
	if len(quoted) > 0 {
		names := strings.Join(quoted, "|")
		r.property = regexp.MustCompile(`(?i)"(?:` + names + `)"\s*:\s*`)
		r.parameter = regexp.MustCompile(`(?i)(^|&)(` + names + `)=[^&]*`)
	}
	return r
}

// spellings returns pairs for a Replacer: each secret as it may appear in text.
func spellings(secrets []string) []string {
	var pairs []string
	for _, s := range secrets {
		if s == "" {
			continue
		}
		quoted, _ := json.Marshal(s) // a string always marshals
		for _, v := range []string{
			base64.StdEncoding.EncodeToString([]byte(s + ":")), base64.StdEncoding.EncodeToString([]byte(s)),
			base64.RawURLEncoding.EncodeToString([]byte(s)),
			s, url.QueryEscape(s), url.PathEscape(s), string(quoted[1 : len(quoted)-1]),
		} {
			pairs = append(pairs, v, mask)
		}
	}
	return pairs
}

func (r *redactor) text(s string) string { return r.secrets.Replace(s) }

// url returns u without user information and fragment, with sensitive parameters masked.
func (r *redactor) url(u *url.URL) string {
	shown := *u
	shown.User, shown.Fragment, shown.RawFragment = nil, "", ""
	if r.parameter != nil {
		shown.RawQuery = r.parameter.ReplaceAllString(shown.RawQuery, "${1}${2}="+url.QueryEscape(mask))
	}
	return r.text(shown.String())
}

// header returns the first value of each header, those that grant access masked.
func (r *redactor) header(h http.Header) map[string]string {
	shown := make(map[string]string, len(h))
	for name, values := range h {
		switch name {
		case "Set-Cookie", "Authorization", "Proxy-Authorization", "Authentication-Info":
			shown[name] = mask
		default:
			shown[name] = r.text(strings.Join(values, ", "))
		}
	}
	return shown
}

// body returns a body as text that may be kept, at most 16 KiB.
func (r *redactor) body(b []byte, h http.Header) string {
	if len(b) == 0 {
		return ""
	}
	if !utf8.Valid(trimPartialRune(b)) || strings.HasPrefix(h.Get("Content-Type"), "multipart/") {
		return fmt.Sprintf("[%d bytes of %s]", len(b), r.text(h.Get("Content-Type")))
	}
	text := r.maskProperties(string(b))
	if r.parameter != nil && strings.HasPrefix(h.Get("Content-Type"), "application/x-www-form-urlencoded") {
		text = r.parameter.ReplaceAllString(text, "${1}${2}="+mask)
	}
	return cut(r.text(text))
}

// maskProperties masks the values of sensitive properties in JSON text and
// leaves the rest as it was written. If a value cannot be read, because the
// text is broken or cut, everything after it is masked.
func (r *redactor) maskProperties(text string) string {
	if r.property == nil {
		return text
	}
	var out strings.Builder
	for {
		at := r.property.FindStringIndex(text)
		if at == nil {
			out.WriteString(text)
			return out.String()
		}
		out.WriteString(text[:at[1]])
		text = text[at[1]:]
		out.WriteString(`"` + mask + `"`)
		var value json.RawMessage
		d := json.NewDecoder(strings.NewReader(text))
		if d.Decode(&value) != nil {
			return out.String()
		}
		text = text[d.InputOffset():]
	}
}

// trimPartialRune takes off the bytes of a rune that a size cap cut in two.
func trimPartialRune(b []byte) []byte {
	for i := 1; i <= utf8.UTFMax && i <= len(b); i++ {
		if utf8.RuneStart(b[len(b)-i]) {
			if !utf8.FullRune(b[len(b)-i:]) {
				return b[:len(b)-i]
			}
			break
		}
	}
	return b
}

func cut(s string) string {
	if len(s) <= maxRecordedBody {
		return s
	}
	return string(trimPartialRune([]byte(s[:maxRecordedBody])))
}
