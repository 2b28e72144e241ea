package graph_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

const (
	jsonType     = "application/json"
	responseType = "application/graphql-response+json"
)

func TestHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	viewer := `{"query":"{ viewer { role } }"}`
	for name, c := range map[string]struct {
		method, body, contentType, accept string
		query                             url.Values
		status                            int
		answered                          string // media type
		data                              bool
	}{
		"plain":             {body: viewer, status: 200, answered: jsonType, data: true},
		"new type":          {body: viewer, accept: responseType, status: 200, answered: responseType, data: true},
		"anything":          {body: viewer, accept: "*/*", status: 200, answered: jsonType, data: true},
		"better":            {body: viewer, accept: "application/json;q=0.5, application/graphql-response+json", status: 200, answered: responseType, data: true},
		"not acceptable":    {body: viewer, accept: "text/html", status: 406, answered: jsonType},
		"charset":           {body: viewer, contentType: "application/json; charset=UTF-8", status: 200, answered: jsonType, data: true},
		"foreign charset":   {body: viewer, contentType: "application/json; charset=utf-16", status: 415, answered: jsonType},
		"form":              {body: "query={viewer{role}}", contentType: "application/x-www-form-urlencoded", status: 415, answered: jsonType},
		"text":              {body: viewer, contentType: "text/plain", status: 415, answered: jsonType},
		"not JSON":          {body: "{", status: 400, answered: jsonType},
		"two values":        {body: viewer + viewer, status: 400, answered: jsonType},
		"batch":             {body: "[" + viewer + "]", status: 400, answered: jsonType},
		"no query":          {body: "{}", status: 400, answered: jsonType},
		"query a number":    {body: `{"query":7}`, status: 400, answered: jsonType},
		"variables a list":  {body: `{"query":"{viewer{role}}","variables":[]}`, status: 400, answered: jsonType},
		"nulls":             {body: `{"query":"{viewer{role}}","variables":null,"operationName":null,"extensions":null}`, status: 200, answered: jsonType, data: true},
		"syntax":            {body: `{"query":"{"}`, status: 200, answered: jsonType},
		"syntax, new":       {body: `{"query":"{"}`, accept: responseType, status: 400, answered: responseType},
		"unknown field":     {body: `{"query":"{ nothing }"}`, accept: responseType, status: 400, answered: responseType},
		"variable":          {body: `{"query":"query($id:ID!){assessment(id:$id){id}}"}`, accept: responseType, status: 400, answered: responseType},
		"field error":       {body: `{"query":"{ tests(first:0) { nodes { id } } }"}`, accept: responseType, status: 200, answered: responseType, data: true},
		"too large":         {body: `{"query":"` + strings.Repeat(" ", 1<<20) + `"}`, status: 413, answered: jsonType},
		"get":               {method: "GET", query: url.Values{"query": {"query Q($i:[ID!]!){nodes(ids:$i){id}}"}, "variables": {`{"i":[]}`}, "operationName": {"Q"}}, status: 200, answered: jsonType, data: true},
		"get a mutation":    {method: "GET", query: url.Values{"query": {`mutation{createTest(input:{name:"x",modality:CHAT}){test{id}}}`}}, status: 405, answered: jsonType},
		"get without query": {method: "GET", status: 400, answered: jsonType},
		"get bad variables": {method: "GET", query: url.Values{"query": {"{viewer{role}}"}, "variables": {"7"}}, status: 400, answered: jsonType},
		"put":               {method: "PUT", body: viewer, status: 405, answered: jsonType},
	} {
		method := c.method
		if method == "" {
			method = http.MethodPost
		}
		r := httptest.NewRequestWithContext(t.Context(), method, "/graphql?"+c.query.Encode(), bytes.NewReader([]byte(c.body)))
		r.Header.Set("Content-Type", jsonType)
		if c.contentType != "" {
			r.Header.Set("Content-Type", c.contentType)
		}
		if c.accept != "" {
			r.Header.Set("Accept", c.accept)
		}
		got := w.serve(r, "ADMIN")
		body := decoded(t, got)
		if _, data := body["data"]; got.StatusCode != c.status || got.Header.Get("Content-Type") != c.answered+"; charset=utf-8" || data != c.data {
			t.Errorf("%s: status %d, want %d; type %q, want %q; data there %t, want %t; %v",
				name, got.StatusCode, c.status, got.Header.Get("Content-Type"), c.answered, data, c.data, body)
		}
	}
	if got := w.ask(t, "ADMIN", `{ tests { nodes { name } } }`, nil); len(got["data"].(map[string]any)["tests"].(map[string]any)["nodes"].([]any)) != 1 {
		t.Errorf("GET changed something: %v", got)
	}
}
