package fake

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// settingState names the file that the ATS keeps its people in.
const settingState = "state_file"

// state is what the ATS keeps: the content of the state file.
type state struct {
	LastID       int                          `json:"last_id"`
	People       []person                     `json:"people,omitempty"`
	Applications []application                `json:"applications,omitempty"`
	Notes        []note                       `json:"notes,omitempty"`
	Attachments  []attachment                 `json:"attachments,omitempty"`
	Fields       map[string]map[string]string `json:"fields,omitempty"` // by whose and key
	Codes        []string                     `json:"codes,omitempty"`  // of consents that were used
	Refresh      string                       `json:"refresh,omitempty"`
}

type person struct {
	ID     string              `json:"id"`
	Record ats.CandidateRecord `json:"record"`
	Tags   []string            `json:"tags,omitempty"`
}

type application struct {
	ats.ApplicationRecord
	Reason string `json:"reason,omitempty"`
}

type note struct {
	ID        string `json:"id"`
	Candidate string `json:"candidate"`
	Body      string `json:"body"`
}

type attachment struct {
	ID        string `json:"id"`
	Candidate string `json:"candidate"`
	Name      string `json:"name"`
	Content   []byte `json:"content"`
}

func (s *state) id() string {
	s.LastID++
	return strconv.Itoa(s.LastID)
}

// person returns nil if there is none.
func (s *state) person(id string) *person {
	if i := slices.IndexFunc(s.People, func(p person) bool { return p.ID == id }); i >= 0 {
		return &s.People[i]
	}
	return nil
}

// application returns nil if there is none.
func (s *state) application(id string) *application {
	if i := slices.IndexFunc(s.Applications, func(a application) bool { return a.ID == id }); i >= 0 {
		return &s.Applications[i]
	}
	return nil
}

// perform runs one call at the ATS: the knobs, the deed on the state under the
// file's lock, the knobs of what goes wrong afterwards.
func perform[T any, A ats.Traced[T]](ctx context.Context, call string, c *ats.Connection, do func(*state, A) error) (A, error) {
	knobs := knobsOf(c)
	if err := knobs.misbehave(ctx, call); err != nil {
		return traced[T, A](knobs, call, 0), err
	}
	if knobs.on("lie", call) {
		return nil, nil // that is the lie
	}
	if err := knobs.failure(call); err != nil {
		return traced[T, A](knobs, call, 0), err
	}
	answer := traced[T, A](knobs, call, 200)
	if err := commit(c.Settings[settingState], func(s *state) error { return do(s, answer) }); err != nil {
		return traced[T, A](knobs, call, 422), err
	}
	switch {
	case knobs.on("exit_after", call):
		os.Exit(exitStatus)
	case knobs.on("hang_after", call):
		select {}
	case knobs.on("lose", call):
		return traced[T, A](knobs, call, 0), unknown()
	}
	return answer, nil
}

// traced returns an empty answer with the trace of one exchange.
func traced[T any, A ats.Traced[T]](k knobs, call string, status int) A {
	answer := A(new(T))
	answer.LeftBehind().Exchanges = []ats.Exchange{{Method: "CALL", URL: "file:" + call, Status: status, StartedAt: time.Now()}}
	answer.LeftBehind().Budget = k.budget()
	return answer
}

func unknown() error {
	e := fault.New(fault.OutcomeUnknown, "The ATS did not answer.")
	e.Source = fault.ATS
	return e
}

// commit reads the state, changes it and writes it, alone among all processes.
// A file is replaced whole, so that a process that dies leaves the one before.
func commit(path string, do func(*state) error) error {
	if path == "" {
		return fault.New(fault.Config, "The setting %s is empty: the ATS has nowhere to keep its people.", settingState)
	}
	unlock, err := lock(path + ".lock")
	if err != nil {
		return fault.Wrap(err, fault.Config, "The setting %s names a file that cannot be locked.", settingState)
	}
	defer unlock()
	s, err := load(path)
	if err != nil {
		return fault.Wrap(err, fault.Config, "The setting %s names a file that cannot be read.", settingState)
	}
	if err := do(s); err != nil {
		return err
	}
	if err := save(path, s); err != nil {
		return fault.Wrap(err, fault.Config, "The setting %s names a file that cannot be written.", settingState)
	}
	return nil
}

// load returns an empty state for a file that is not there yet.
func load(path string) (*state, error) {
	s := new(state)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	return s, json.Unmarshal(text, s)
}

func save(path string, s *state) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func declined(code fault.Code, format string, args ...any) *fault.Error {
	e := fault.New(code, format, args...)
	e.Source = fault.ATS
	return e
}

func conflict(kind, existing, format string, args ...any) error {
	e := declined(fault.Conflict, format, args...)
	e.Kind, e.Existing = kind, existing
	return e
}
