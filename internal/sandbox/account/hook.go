package account

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

const (
	maxHooks   = 100
	maxPending = 100_000
	maxHistory = 2000
	maxSending = 16 // attempts at a time
	hookWait   = 10 * time.Second
)

// HookInput is what is set of a web hook. The real one has a hook for each
// action; one of these stands for several.
type HookInput struct {
	Name     string   `json:"name"`
	URL      string   `json:"url"`
	Secret   string   `json:"secret"`
	Actions  []string `json:"actions"`
	All      bool     `json:"all"` // instead of Actions
	User     string   `json:"user"`
	Password string   `json:"password"`
}

// Hook is a web hook as it is shown.
type Hook struct {
	ID        int64    `json:"id"`
	Name      string   `json:"name"`
	URL       string   `json:"url"`
	Actions   []string `json:"actions"`
	All       bool     `json:"all"`
	Enabled   bool     `json:"enabled"`
	Ping      string   `json:"ping"` // what came of the last one
	Delivered int      `json:"delivered"`
	Failed    int      `json:"failed"` // after the last attempt
	Pending   int      `json:"pending"`
}

// hook is one that is configured.
type hook struct {
	shown Hook
	in    HookInput
	busy  int // attempts under way
	gone  bool
}

func (h *hook) wants(action string) bool {
	return h.shown.Enabled && (h.in.All || slices.Contains(h.in.Actions, action))
}

// hooks send events to where they are wanted. They have a lock of their own,
// which is never held while the account's is asked for.
type hooks struct {
	o      Options
	client *http.Client
	ctx    context.Context //nolint:containedctx // ends with close; the sender lives in it
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu        sync.Mutex
	running   bool
	list      []*hook
	chaos     Chaos
	scale     float64
	events    uint64 // told so far
	sequence  uint64
	queue     []*delivery // by due time, then by sequence
	history   []*delivery // newest last
	sending   int
	interrupt context.CancelFunc // wakes the sender
	nextID    int64
}

func newHooks(o Options) *hooks {
	transport := o.Transport
	if transport == nil {
		transport = &http.Transport{MaxIdleConnsPerHost: maxSending, IdleConnTimeout: 30 * time.Second}
	}
	h := &hooks{o: o, nextID: 1, client: &http.Client{
		Transport: transport, Timeout: hookWait, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	return h
}

func (h *hooks) close() {
	h.mu.Lock()
	h.running = true // nobody starts another
	h.mu.Unlock()
	h.cancel()
	h.done.Wait()
	h.client.CloseIdleConnections()
}

// Signature is the header of a body under a secret.
func Signature(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write(body) // never fails
	return "sha256 " + hex.EncodeToString(mac.Sum(nil))
}

func (in HookInput) check() error {
	u, err := url.Parse(in.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("url is not a web address")
	case in.Secret == "":
		return errors.New("secret is missing")
	case !in.All && len(in.Actions) == 0:
		return errors.New("actions are missing; name some, or all")
	}
	for _, a := range in.Actions {
		if !slices.Contains(actions(), a) {
			return fmt.Errorf("%q is not an action", a)
		}
	}
	return nil
}

// actions are the 29 of facts/greenhouse.md 2.5; the stand-in sends those of
// candidates and applications.
func actions() []string {
	return []string{
		"new_candidate_application", "new_prospect_application", "application_updated", "delete_application", "candidate_stage_change",
		"hire_candidate", "unhire_candidate", "reject_candidate", "unreject_candidate", "update_candidate", "delete_candidate", "merge_candidate",
		"candidate_anonymized", "offer_created", "offer_approved", "offer_updated", "offer_deleted", "interview_deleted", "scorecard_deleted",
		"job_created", "job_updated", "job_deleted", "job_approved", "job_post_created", "job_post_updated", "job_post_deleted",
		"job_interview_stage_deleted", "department_deleted", "office_deleted",
	}
}

// save makes a hook, or with an id changes one, and pings it: one that does
// not answer 200 is kept disabled (facts/greenhouse.md 2.1).
func (h *hooks) save(ctx context.Context, id int64, in HookInput, signed bool) (Hook, error) {
	if err := in.check(); err != nil {
		return Hook{}, err
	}
	status, err := h.ping(ctx, in, signed)
	h.mu.Lock()
	defer h.mu.Unlock()
	at := slices.IndexFunc(h.list, func(k *hook) bool { return k.shown.ID == id })
	if id != 0 && at < 0 || len(h.list) >= maxHooks {
		return Hook{}, errors.New("there is no such hook, or there are too many")
	}
	if at < 0 {
		h.list = append(h.list, &hook{shown: Hook{ID: h.nextID}})
		h.nextID++
		at = len(h.list) - 1
	}
	k := h.list[at]
	k.in = in
	k.shown.Name, k.shown.URL, k.shown.Actions, k.shown.All = cmp.Or(in.Name, "Trellis"), in.URL, append([]string{}, in.Actions...), in.All
	k.shown.Enabled, k.shown.Ping = err == nil && status == http.StatusOK, pingWords(status, err)
	return h.show(k), nil
}

func pingWords(status int, err error) string {
	if err != nil {
		return "no answer"
	}
	return fmt.Sprintf("answered %d", status)
}

func (h *hooks) ping(ctx context.Context, in HookInput, signed bool) (int, error) {
	e := newEvent("ping", map[string]any{"web_hook": map[string]any{"name": in.Name, "url": in.URL}})
	return h.post(ctx, in, e.body, newEventID(), signed)
}

// post sends a body once; the status is what came back.
func (h *hooks) post(ctx context.Context, in HookInput, body []byte, eventID string, signed bool) (int, error) {
	req, err := request(ctx, in.URL, body)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Greenhouse-Event-ID", eventID)
	if signed {
		req.Header.Set("Signature", Signature(in.Secret, body))
	}
	if in.User != "" || in.Password != "" {
		req.SetBasicAuth(in.User, in.Password)
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return 0, err
	}
	drain(resp)
	return resp.StatusCode, nil
}

func newEventID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:4]) + "-" + hex.EncodeToString(b[4:6]) + "-" + hex.EncodeToString(b[6:8]) + "-" + hex.EncodeToString(b[8:10]) + "-" + hex.EncodeToString(b[10:])
}

// remove forgets a hook and what is still to be sent to it.
func (h *hooks) remove(id int64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := len(h.list)
	h.list = slices.DeleteFunc(h.list, func(k *hook) bool {
		k.gone = k.gone || k.shown.ID == id
		return k.gone
	})
	h.queue = slices.DeleteFunc(h.queue, func(d *delivery) bool { return d.hook.shown.ID == id })
	return len(h.list) < before
}

// show counts what is pending; the lock is held.
func (h *hooks) show(k *hook) Hook {
	shown := k.shown
	shown.Pending = k.busy
	for _, d := range h.queue {
		if d.hook == k {
			shown.Pending++
		}
	}
	return shown
}

func (h *hooks) shown() []Hook {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]Hook, len(h.list))
	for i, k := range h.list {
		list[i] = h.show(k)
	}
	return list
}

// input is what was set of a hook, for a change of a part of it.
func (h *hooks) input(id int64) (HookInput, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, k := range h.list {
		if k.shown.ID == id {
			return k.in, true
		}
	}
	return HookInput{}, false
}
