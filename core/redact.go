package core

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/trellis-ats/trellis/core/ats"
)

// maxLoggedBody is how much of a body the sync log keeps, in bytes.
const maxLoggedBody = 16 << 10

// redactor masks what the sync log must not keep.
type redactor struct{ sensitive []string }

// exchange returns a request of the ATS and our answer, for the sync log.
func (r redactor) exchange(in ats.HTTPRequest, out *ats.HTTPResponse) ats.Exchange {
	x := ats.Exchange{Method: in.Method, URL: in.Path + r.query(in.Query), RequestBody: r.body(in.Body)}
	if out != nil {
		x.Status, x.ResponseBody = out.Status, r.body(out.Body)
		x.ResponseHeader = map[string]string{}
		for name, values := range out.Header {
			if !strings.EqualFold(name, "Set-Cookie") {
				x.ResponseHeader[name] = strings.Join(values, ", ")
			}
		}
	}
	return x
}

func (r redactor) query(q map[string][]string) string {
	if len(q) == 0 {
		return ""
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(q)) {
		for _, value := range q[name] {
			if r.masks(name) {
				value = "***"
			}
			parts = append(parts, name+"="+value)
		}
	}
	return cut("?"+strings.Join(parts, "&"), 2048)
}

// body masks a JSON body; of any other only the size is kept, since what it
// holds cannot be told.
func (r redactor) body(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return fmt.Sprintf("(%d bytes that are not JSON)", len(b))
	}
	masked, err := json.Marshal(r.mask("", v))
	if err != nil {
		return fmt.Sprintf("(%d bytes)", len(b))
	}
	return cut(string(masked), maxLoggedBody)
}

func (r redactor) mask(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			v[key] = r.mask(key, value)
		}
		return v
	case []any:
		for i, value := range v {
			v[i] = r.mask(name, value)
		}
		return v
	case string:
		if r.masks(name) && v != "" {
			return "***"
		}
		return v
	default:
		return v
	}
}

// masks reports whether the value of a property is personal or secret.
func (r redactor) masks(name string) bool {
	name = strings.ToLower(name)
	if slices.Contains(r.sensitive, name) {
		return true
	}
	for _, part := range []string{"email", "phone", "password", "secret", "token", "authorization", "api_key", "apikey"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}
