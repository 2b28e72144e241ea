package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestMigrateAndDoctor(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		s := prepare(t, d)
		doctor := func(wants ...string) {
			t.Helper()
			out, told, err := s.command("doctor")
			if err != nil {
				t.Errorf("doctor: %v\n%s%s", err, out, told)
			}
			for _, want := range append(wants, "greenhouse") {
				if !strings.Contains(out, want) {
					t.Errorf("doctor does not say %q:\n%s", want, out)
				}
			}
		}
		doctor("warn  mail", "TRELLIS_SMTP_URL is not set")
		if out, _, _ := s.command("doctor"); !strings.Contains(out, "none yet") && !strings.Contains(out, "run: trellis migrate") {
			t.Errorf("on an empty database doctor says:\n%s", out)
		}
		for range 2 { // the second finds nothing to do
			if out, told, err := s.command("migrate"); err != nil || out != "" {
				t.Fatalf("migrate: %v\n%s%s", err, out, told)
			}
		}
		doctor("its tables are this version's")
		s.setup("Acme")
		s.start()
		doctor("its tables are this version's")
	})
}

func TestDoctorFailsOnWhatKeepsTheServerFromWorking(t *testing.T) {
	t.Parallel()
	s := prepare(t, database{url: func(*testing.T) string { return "" }})
	s.env = append(s.env, "TRELLIS_DATABASE_URL=postgres://trellis:hunter2@127.0.0.1:1/none?sslmode=disable")
	out, told, err := s.command("doctor")
	if err == nil || !strings.Contains(out, "FAIL  database") || strings.Contains(out+told, "hunter2") {
		t.Errorf("doctor: %v\n%s%s", err, out, told)
	}
	s.env = append(s.env, "TRELLIS_DATABASE_URL=mysql://root:hunter2@127.0.0.1/x", "TRELLIS_LISTEN=nonsense")
	out, told, err = s.command("doctor")
	if err == nil || !strings.Contains(out, "FAIL  settings") || !strings.Contains(out, "TRELLIS_LISTEN") || strings.Contains(out+told, "hunter2") {
		t.Errorf("doctor: %v\n%s%s", err, out, told)
	}
}

// TestConfigurationFile: the environment outranks the file, flags outrank both.
func TestConfigurationFile(t *testing.T) {
	t.Parallel()
	s := prepare(t, database{url: func(*testing.T) string { return "" }})
	file := filepath.Join(t.TempDir(), "trellis.env")
	write := func(lines string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	doctor := func(args ...string) (said string) {
		out, told, _ := s.command(append([]string{"doctor"}, args...)...)
		return out + told
	}
	s.env = append(s.env, "TRELLIS_CONFIG="+file)
	if said := doctor(); !strings.Contains(said, file) {
		t.Errorf("without the file doctor says:\n%s", said)
	}
	write("# the mail server\nTRELLIS_SMTP_URL='smtp://user:hunter$2@127.0.0.1:1'\nTRELLIS_MAIL_FROM=\n")
	if said := doctor(); strings.Contains(said, "TRELLIS_SMTP_URL is not set") || !strings.Contains(said, "127.0.0.1:1") || strings.Contains(said, "hunter") {
		t.Errorf("with a mail server in the file doctor says:\n%s", said)
	}
	s.env = append(s.env, "TRELLIS_SMTP_URL=smtp://127.0.0.1:2")
	if said := doctor(); !strings.Contains(said, "127.0.0.1:2") {
		t.Errorf("with another one in the environment doctor says:\n%s", said)
	}
	if said := doctor("--smtp-url=smtp://127.0.0.1:3"); !strings.Contains(said, "127.0.0.1:3") {
		t.Errorf("with a third one as a flag doctor says:\n%s", said)
	}
	for lines, want := range map[string]string{"TRELLIS_SMTPURL=smtp://hunter2": "TRELLIS_SMTPURL, which is not a setting", "hunter2": "NAME=value"} {
		write(lines)
		if said := doctor(); !strings.Contains(said, want) || strings.Contains(said, "hunter2") {
			t.Errorf("doctor says:\n%s", said)
		}
	}
}

func TestSetup(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		s := newServer(t, d) // on an empty database
		again := s.setup("Acme")
		if again.OrganizationID != s.made.OrganizationID || again.PartnerKey == s.made.PartnerKey {
			t.Errorf("the second setup of one organization made %+v", again)
		}
		for _, m := range []credentials{s.made, again} { // the running server knows both at once
			if a := s.ats(http.MethodGet, "list-tests", m.PartnerKey, ""); a.status != http.StatusOK {
				t.Errorf("list-tests: %d %s", a.status, a.body)
			}
			if m.AdminToken == "" || m.EngineToken == "" || m.WebhookSecret == "" || !strings.HasPrefix(m.WebhookURL, s.base+"/api/webhooks/greenhouse?connection=con_") {
				t.Errorf("setup printed %+v", m)
			}
		}
		out, _, err := s.command("setup", "--organization", "Readable", "--adapter", "greenhouse")
		if err != nil || !strings.Contains(out, "Partner key") {
			t.Errorf("%v\n%s", err, out)
		}
		s.refuseBadSetups(t)
	})
}

// TestServeAndSetupAtTheSameTime is how the walkthrough begins: both make the
// key and the tables.
func TestServeAndSetupAtTheSameTime(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		s := prepare(t, d)
		if s.env = append(s.env, "TRELLIS_MASTER_KEY="); d.name != "SQLite" {
			s.env = append(s.env, "TRELLIS_MASTER_KEY=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
		}
		var wg sync.WaitGroup
		for _, name := range []string{"Acme", "Hooli", "Initech"} {
			wg.Go(func() {
				if out, told, err := s.command("setup", "--organization", name, "--adapter", "greenhouse", "--json"); err != nil || told != "" {
					t.Errorf("setup: %v\n%s%s", err, out, told)
				}
			})
		}
		s.start()
		wg.Wait()
		s.made = s.setup("Acme")
		s.firstTest(s.made.PartnerKey)
	})
}

// refuseBadSetups checks that a setup which cannot be meant makes nothing.
func (s *server) refuseBadSetups(t *testing.T) {
	t.Helper()
	for says, args := range map[string][]string{
		"no_such_setting": {"--adapter", "greenhouse", "--set", "no_such_setting=1"},
		"harvest_url":     {"--adapter", "greenhouse", "--set", "harvest_url=nonsense"},
		"callback_hosts":  {"--adapter", "greenhouse", "--set", "callback_hosts"},
		"lever":           {"--adapter", "lever"},
	} {
		out, told, err := s.command(append([]string{"setup", "--organization", "Half"}, args...)...)
		if err == nil || out != "" || !strings.Contains(told, says) {
			t.Errorf("setup %v: %v\n%s%s", args, err, out, told)
		}
	}
	made := s.setup("Half") // if it had been half made, it would have two connections now
	var data struct {
		Connections []struct{ ID string }
	}
	s.graphql(made.AdminToken, `{ connections { id } }`, nil, &data)
	if n := len(data.Connections); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestMasterKeyIsNeededForPostgreSQL(t *testing.T) {
	t.Parallel()
	s := prepare(t, database{url: newSchema})
	s.env = append(s.env, "TRELLIS_MASTER_KEY=")
	for _, args := range [][]string{{"serve"}, {"migrate"}, {"setup", "--organization", "Acme", "--adapter", "greenhouse"}} {
		if _, told, err := s.command(args...); err == nil || !strings.Contains(told, "TRELLIS_MASTER_KEY_FILE") {
			t.Errorf("%v: %v\n%s", args, err, told)
		}
	}
}

func TestReadyAndStop(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		s := newServer(t, d)
		for path, wants := range map[string][]string{"/healthz": {`"ok"`}, "/readyz": {`"ok"`, "adapters", "database", "migrations"}} {
			a := s.get(s.base + path)
			for _, want := range wants {
				if a.status != http.StatusOK || !strings.Contains(a.body, want) {
					t.Errorf("%s: %d %s", path, a.status, a.body)
				}
			}
		}
		adapter := s.adapterPID()
		began := time.Now()
		s.ending = true
		if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		select {
		case <-s.exited:
		case <-time.After(patience):
			t.Fatal("it does not stop")
		}
		if took := time.Since(began); took > 5*time.Second || s.ended != nil {
			t.Errorf("it stopped after %v: %v\n%s", took, s.ended, s.logged())
		}
		if err := syscall.Kill(adapter, 0); err == nil {
			t.Error("the adapter outlives the server")
		}
	})
}
