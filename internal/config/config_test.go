package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/trellis-ats/trellis/internal/config"
)

// parsed is what the command line would make of flags.
func parsed(t *testing.T, flags ...string) config.Config {
	t.Helper()
	c, err := tryParse(t, flags)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// tryParse fails for what cannot be parsed, and for what Check refuses.
func tryParse(t *testing.T, flags []string) (config.Config, error) {
	t.Helper()
	var c config.Config
	p, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Parse(flags)
	return c, errors.Join(err, c.Check())
}

func TestDefaultsAreValid(t *testing.T) {
	t.Parallel()
	c := parsed(t)
	if err := c.Check(); err != nil {
		t.Error(err)
	}
	if c.RateLimit != 60000 || c.OIDC.Configured() || config.On(c.Introspection, false) || !config.On(c.Introspection, true) {
		t.Errorf("%+v", c)
	}
	if raw, err := c.AllowedDocuments(); raw != nil || err != nil {
		t.Errorf("documents %s, %v", raw, err)
	}
}

func TestOIDC(t *testing.T) {
	t.Parallel()
	right := []string{
		"--oidc-issuer=https://idp.example.com", "--oidc-client-id=trellis", "--oidc-organization=org_01",
		"--oidc-roles=cn=admins=ADMIN, hiring=VIEWER",
	}
	c := parsed(t, right...)
	roles, err := c.OIDC.RoleMap()
	if c.Check() != nil || err != nil || len(roles) != 2 || roles["cn=admins"] != "ADMIN" || roles["hiring"] != "VIEWER" {
		t.Errorf("%v, %v, %v", c.Check(), roles, err)
	}
	for flag, want := range map[string]string{
		"--oidc-issuer=http://idp.example.com": "not https",
		"--oidc-issuer=idp":                    "TRELLIS_OIDC_ISSUER",
		"--oidc-client-id=":                    "TRELLIS_OIDC_CLIENT_ID",
		"--oidc-organization=Acme":             "TRELLIS_OIDC_ORGANIZATION",
		"--oidc-roles=x=ENGINE":                "TRELLIS_OIDC_ROLES",
		"--oidc-roles=x":                       "TRELLIS_OIDC_ROLES",
		"--oidc-default-role=SYSTEM":           "TRELLIS_OIDC_DEFAULT_ROLE",
		"--oidc-role-claim=":                   "nobody could sign in",
		"--trusted-proxies=proxy":              "TRELLIS_TRUSTED_PROXIES",
		"--rate-limit=-1":                      "TRELLIS_RATE_LIMIT",
	} {
		flags := right
		if strings.HasPrefix(flag, "--oidc-roles") {
			flags = right[:3:3]
		}
		if _, err := tryParse(t, append(flags, flag)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", flag, err)
		}
	}
	parsed(t, append(right, "--oidc-issuer=http://127.0.0.1:9000")...)
}

func TestProxies(t *testing.T) {
	t.Parallel()
	c := parsed(t, "--trusted-proxies=10.0.0.0/8, 192.0.2.7")
	networks, err := c.Proxies()
	if err != nil || len(networks) != 2 || networks[1].String() != "192.0.2.7/32" {
		t.Errorf("%v, %v", networks, err)
	}
}

func TestAllowList(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "documents.json")
	if err := os.WriteFile(file, []byte(`["{ viewer { role } }"]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if raw, err := parsed(t, "--allow-list="+file).AllowedDocuments(); err != nil || len(raw) == 0 {
		t.Errorf("%s, %v", raw, err)
	}
	if _, err := parsed(t, "--allow-list="+file+"x").AllowedDocuments(); err == nil {
		t.Error("a missing file is no error")
	}
}

func TestPushes(t *testing.T) {
	t.Parallel()
	if c := parsed(t); c.PushSettle <= c.PushDeadline || c.PushAttempts != 10 {
		t.Errorf("%+v", c.Pushes)
	}
	for flag, want := range map[string]string{
		"--push-settle=29s":   "TRELLIS_PUSH_SETTLE",
		"--push-deadline=0s":  "TRELLIS_PUSH_DEADLINE",
		"--push-deadline=51s": "TRELLIS_PUSH_DEADLINE",
		"--push-attempts=0":   "TRELLIS_PUSH_ATTEMPTS",
		"--push-backoff=-1s":  "TRELLIS_PUSH_BACKOFF",
	} {
		if _, err := tryParse(t, []string{flag}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", flag, err)
		}
	}
}

func TestReconciliation(t *testing.T) {
	t.Parallel()
	if every := parsed(t).ReconcileInterval(); every != 15*time.Minute {
		t.Errorf("every %s", every)
	}
	for flag, want := range map[string]string{
		"--reconcile-every=59s":    "TRELLIS_RECONCILE_EVERY",
		"--reconcile-unopened=-1s": "TRELLIS_RECONCILE_",
	} {
		if _, err := tryParse(t, []string{flag}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", flag, err)
		}
	}
}
