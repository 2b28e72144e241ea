package account

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxAttachment = 10 << 20
	linkLife      = 7 * 24 * time.Hour
)

type attachment struct {
	record
	ApplicationID int64  `json:"application_id"`
	CandidateID   int64  `json:"candidate_id"`
	Type          string `json:"type"`
	Filename      string `json:"filename"`

	content    []byte
	visibility string
}

// shownAttachment has an address that ends after seven days.
type shownAttachment struct {
	*attachment
	URL string `json:"url"`
}

func attachmentTypes() []string {
	return []string{"resume", "cover_letter", takeHomeTest, "offer_packet", "offer_letter", "signed_offer_letter", "other", "form_attachment", "midfunnel_agreement", "automated_agreement"}
}

func listAttachments() func(*call) answer {
	return list(listing[*attachment]{
		rows: func(w *world) []*attachment { return w.attachments.rows }, show: func(c *call, f *attachment) any { return c.a.showAttachment(f) },
		visible: func(w *world, u *user, f *attachment) bool {
			app, ok := w.applications.find(f.ApplicationID)
			return ok && w.seesApplication(u, app)
		},
		filters: func(*world) filters[*attachment] {
			return filters[*attachment]{
				"application_ids": idsOf(func(f *attachment) int64 { return f.ApplicationID }),
				"candidate_ids":   idsOf(func(f *attachment) int64 { return f.CandidateID }),
				"type":            choiceOf(func(f *attachment) string { return f.Type }, attachmentTypes()...),
			}
		},
	})
}

func (a *Account) showAttachment(f *attachment) any {
	return shownAttachment{f, a.attachmentURL(f, a.clock.Now().Add(linkLife))}
}

func (a *Account) attachmentURL(f *attachment, until time.Time) string {
	ends := strconv.FormatInt(until.Unix(), 10)
	return fmt.Sprintf("%s/sandbox/attachments/%d/%s?expires=%s&signature=%s", a.o.PublicURL, f.ID, url.PathEscape(f.Filename), ends, a.seal(f.ID, ends))
}

func (a *Account) seal(id int64, ends string) string {
	mac := hmac.New(sha256.New, a.oauth.key)
	_, _ = fmt.Fprintf(mac, "attachment %d %s", id, ends) // never fails
	return hex.EncodeToString(mac.Sum(nil))
}

// download gives a file to who has its signed address.
func (a *Account) download(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	ends, _ := strconv.ParseInt(r.URL.Query().Get("expires"), 10, 64)
	a.mu.Lock()
	f, ok := a.world.attachments.find(id)
	good := hmac.Equal([]byte(a.seal(id, r.URL.Query().Get("expires"))), []byte(r.URL.Query().Get("signature")))
	a.mu.Unlock()
	if !ok || !good || a.clock.Now().Unix() > ends {
		http.Error(w, "The address of this file has ended or never was one.", http.StatusForbidden)
		return
	}
	kind := mime.TypeByExtension(path.Ext(f.Filename))
	if kind != "application/pdf" {
		kind = "application/octet-stream" // nothing that a browser would run
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": f.Filename}))
	_, _ = w.Write(f.content) // the browser may be gone; there is nobody to tell
}

func createAttachment(c *call) answer {
	var b struct {
		ApplicationID *int64  `json:"application_id" need:"yes"`
		Filename      string  `json:"filename" need:"yes"`
		Type          string  `json:"type" need:"yes"`
		Content       *string `json:"content"`
		URL           *string `json:"url"`
		Visibility    string  `json:"visibility" oneof:"admin_only|private|public"`
	}
	problems := read(c.body, &b, "")
	app, ok := c.w.applications.find(id(b.ApplicationID))
	if b.ApplicationID != nil && (!ok || !c.w.seesApplication(c.user, app)) {
		problems = append(problems, problem{"application_id", "does not exist"})
	}
	if b.Type != "" && !slices.Contains(attachmentTypes(), b.Type) {
		problems = append(problems, problem{"type", "must be one of: " + strings.Join(attachmentTypes(), ", ")})
	}
	problems = append(problems, checkFilename(b.Filename)...)
	content, more := c.content(b.Content, b.URL)
	if problems = append(problems, more...); len(problems) > 0 {
		return unprocessable(problems...)
	}
	if b.Type == "resume" {
		c.w.dropAttachments(func(f *attachment) bool { return f.CandidateID == app.CandidateID && f.Type == "resume" })
	}
	f := &attachment{ApplicationID: app.ID, CandidateID: app.CandidateID, Type: b.Type, Filename: b.Filename, content: content, visibility: b.Visibility}
	c.w.stored += len(content)
	return created(c.a.showAttachment(c.w.attachments.add(f, c.now)))
}

func checkFilename(name string) []problem {
	ext := strings.ToLower(path.Ext(name))
	switch {
	case name == "":
		return nil // said already
	case ext == "" || slices.Contains([]string{".exe", ".bat", ".com", ".js", ".html", ".svg", ".zip"}, ext):
		return []problem{{"filename", "has an extension that is not permitted"}}
	case path.Base(name) != name || len(name) > 255:
		return []problem{{"filename", "is invalid"}}
	}
	return nil
}

// content decodes what was sent. The stand-in fetches no addresses.
func (c *call) content(encoded, address *string) ([]byte, []problem) {
	if (encoded == nil) == (address == nil) {
		return nil, []problem{{"content", "exactly one of content and url is required"}}
	}
	if address != nil {
		return nil, []problem{{"url", "could not be fetched"}}
	}
	content, err := base64.StdEncoding.DecodeString(*encoded)
	switch {
	case err != nil || len(content) == 0:
		return nil, []problem{{"content", "is not base64"}}
	case len(content) > maxAttachment:
		return nil, []problem{{"content", "is over 10 MB"}}
	case c.w.stored+len(content) > maxBytes || c.w.attachments.full():
		return nil, []problem{{"", "the stand-in holds no more attachments"}}
	}
	return content, nil
}

// dropAttachments removes files and frees their room.
func (w *world) dropAttachments(match func(*attachment) bool) {
	w.attachments.dropIf(func(f *attachment) bool {
		gone := match(f)
		if gone {
			w.stored -= len(f.content)
		}
		return gone
	})
}
