package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxFaults = 1000
	hangTime  = 60 * time.Second
)

// Faults says how the next callbacks fail.
type Faults struct {
	Kind       string `json:"kind"`       // "500", "429", "404", "hang", or "" for none
	Times      int    `json:"times"`      // how many callbacks still fail
	RetryAfter int    `json:"retryAfter"` // seconds, with 429
}

func (f Faults) check() error {
	switch f.Kind {
	case "", "500", "429", "404", "hang":
	default:
		return fmt.Errorf("kind must be 500, 429, 404, hang or empty, not %q", f.Kind)
	}
	if f.Times < 0 || f.Times > maxFaults || f.RetryAfter < 0 || f.RetryAfter > 86400 {
		return errors.New("times must be from 0 to 1000 and retryAfter from 0 to 86400 seconds")
	}
	return nil
}

// faults hands the wanted faults out, one a callback.
type faults struct {
	mu  sync.Mutex
	now Faults
}

func (f *faults) set(next Faults) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = next
}

func (f *faults) get() Faults {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// take returns the fault for one callback, with an empty kind if it shall work.
func (f *faults) take() Faults {
	f.mu.Lock()
	defer f.mu.Unlock()
	taken := f.now
	if f.now.Times > 0 {
		f.now.Times--
	}
	if f.now.Times == 0 {
		f.now = Faults{}
	}
	if taken.Times == 0 {
		return Faults{}
	}
	return taken
}

// misbehave answers as the fault wants and returns the status, 0 for none.
func (s *Sandbox) misbehave(ctx context.Context, w http.ResponseWriter, f Faults) int {
	if f.Kind == "hang" {
		hang, cancel := context.WithTimeout(ctx, hangTime)
		defer cancel()
		select {
		case <-hang.Done():
		case <-s.ctx.Done():
		}
		panic(http.ErrAbortHandler) // the connection is cut without an answer
	}
	status, _ := strconv.Atoi(f.Kind)
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	w.WriteHeader(status)
	return status
}

// setFaults takes JSON or a form with kind, times (default 1) and retryAfter.
func (s *Sandbox) setFaults(w http.ResponseWriter, r *http.Request) {
	f := Faults{Times: 1}
	err := readFaults(r, &f)
	if err == nil {
		err = f.check()
	}
	if err != nil {
		http.Error(w, "The faults were not set: "+err.Error(), http.StatusBadRequest)
		return
	}
	if f.Kind == "" {
		f = Faults{}
	}
	s.book.change(func() { s.faults.set(f) })
	s.after(w, r, f)
}

func readFaults(r *http.Request, f *Faults) error {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return json.NewDecoder(r.Body).Decode(f)
	}
	f.Kind = r.PostFormValue("kind")
	for name, to := range map[string]*int{"times": &f.Times, "retryAfter": &f.RetryAfter} {
		value := r.PostFormValue(name)
		if value == "" {
			continue
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("%s is not a number", name)
		}
		*to = n
	}
	return nil
}

// after answers a form with the page and a program with v as JSON.
func (s *Sandbox) after(w http.ResponseWriter, r *http.Request, v any) { s.afterAt(w, r, "", v) }

// afterAt is after with a place on the page.
func (s *Sandbox) afterAt(w http.ResponseWriter, r *http.Request, place string, v any) {
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.Redirect(w, r, "/"+place, http.StatusSeeOther)
		return
	}
	writeJSON(w, v)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v) // the caller may be gone; there is nobody to tell
}
