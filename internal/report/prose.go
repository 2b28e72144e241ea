package report

import (
	"html"
	"html/template"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	nethtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxMarkup is how much text is read as HTML, in bytes; a longer one is plain text.
const maxMarkup = 256 << 10

// prose makes safe HTML of an engine's text: simple HTML, Markdown's simplest
// signs, or plain paragraphs. It is safe for concurrent use.
type prose struct {
	policy *bluemonday.Policy
	markup *regexp.Regexp
	strong *regexp.Regexp
}

func newProse() *prose {
	policy := bluemonday.NewPolicy()
	policy.AllowElements("p", "br", "strong", "b", "em", "i", "ul", "ol", "li", "blockquote", "code", "h3", "h4", "hr")
	policy.SkipElementsContent("script", "style", "svg", "math", "template", "iframe", "object", "noscript", "textarea", "select")
	return &prose{
		policy: policy,
		markup: regexp.MustCompile(`(?i)</?(p|br|strong|b|em|i|ul|ol|li|blockquote|h[1-6]|div|span)\b[^>]*>`),
		strong: regexp.MustCompile(`\*\*([^*\n]+)\*\*`),
	}
}

// html returns text as HTML with no attribute at all and the elements of the
// policy, each of them closed, so that nothing of it reaches the rest of the page.
func (p *prose) html(text string) template.HTML {
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) <= maxMarkup && p.markup.MatchString(text) {
		if clean, ok := p.clean(text); ok {
			return template.HTML(clean) //nolint:gosec // sanitised
		}
	}
	return template.HTML(p.policy.Sanitize(p.plain(text))) //nolint:gosec // sanitised
}

// clean balances before sanitising, so that what is skipped has an end, and
// after it, because a tree with a <plaintext> in it is not written whole: what
// the policy has left holds no such element and always is.
func (p *prose) clean(text string) (string, bool) {
	balanced, ok := balance(text)
	if !ok {
		return "", false
	}
	return balance(p.policy.Sanitize(balanced))
}

// balance closes what is left open and drops what was never opened. It reports
// false for text that the parser refuses, such as absurdly deep nesting.
func balance(text string) (string, bool) {
	context := &nethtml.Node{Type: nethtml.ElementNode, Data: "div", DataAtom: atom.Div}
	nodes, err := nethtml.ParseFragment(strings.NewReader(text), context)
	if err != nil {
		return "", false
	}
	var b strings.Builder
	for _, n := range nodes {
		if err := nethtml.Render(&b, n); err != nil {
			return "", false
		}
	}
	return b.String(), true
}

// plain escapes text and keeps its paragraphs, lists, headings and strong words.
func (p *prose) plain(text string) string {
	var b strings.Builder
	for block := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		p.block(&b, strings.TrimSpace(block))
	}
	return b.String()
}

func (p *prose) block(b *strings.Builder, block string) {
	if block == "" {
		return
	}
	if heading := strings.TrimLeft(block, "#"); heading != block && !strings.Contains(block, "\n") {
		b.WriteString("<h3>" + p.inline(strings.TrimSpace(heading)) + "</h3>")
		return
	}
	lines := strings.Split(block, "\n")
	if items, ok := listItems(lines); ok {
		b.WriteString("<ul>")
		for _, item := range items {
			b.WriteString("<li>" + p.inline(item) + "</li>")
		}
		b.WriteString("</ul>")
		return
	}
	for i, line := range lines {
		lines[i] = p.inline(line)
	}
	b.WriteString("<p>" + strings.Join(lines, "<br>") + "</p>")
}

func (p *prose) inline(line string) string {
	return p.strong.ReplaceAllString(html.EscapeString(line), "<strong>$1</strong>")
}

// listItems returns the items if every line begins one.
func listItems(lines []string) ([]string, bool) {
	items := make([]string, len(lines))
	for i, line := range lines {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "- ") && !strings.HasPrefix(line, "* ") && !strings.HasPrefix(line, "• ") {
			return nil, false
		}
		_, items[i], _ = strings.Cut(line, " ")
	}
	return items, true
}
