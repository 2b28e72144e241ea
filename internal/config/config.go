// Package config is the one place that knows how Trellis is configured:
// defaults, then a file, then TRELLIS_* variables, then flags.
package config

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Config is everything that can be set. The tags are kong's.
type Config struct {
	Listen        string `env:"TRELLIS_LISTEN" default:"127.0.0.1:8080" help:"Address to listen on."`
	DataDir       string `env:"TRELLIS_DATA_DIR" default:"./data" help:"Where the embedded database and the generated master key are kept."`
	DatabaseURL   string `env:"TRELLIS_DATABASE_URL" help:"postgres://… for PostgreSQL; empty for SQLite in the data directory."`
	RedisURL      string `env:"TRELLIS_REDIS_URL" help:"redis://… to carry events between processes; empty for one process."`
	PublicURL     string `env:"TRELLIS_PUBLIC_URL" help:"Where browsers and ATSs reach this server; default http://LISTEN."`
	MasterKey     string `env:"TRELLIS_MASTER_KEY" help:"32 bytes in base64 that encrypt secrets at rest and sign links." json:"-"`
	MasterKeyFile string `env:"TRELLIS_MASTER_KEY_FILE" help:"A file that holds the master key."`
	SMTPURL       string `name:"smtp-url" env:"TRELLIS_SMTP_URL" help:"smtp://user:password@host:port for invitations; empty only in demo mode." json:"-"`
	MailFrom      string `env:"TRELLIS_MAIL_FROM" default:"assessments@localhost.localdomain" help:"Sender address of invitations."`
	EngineURL     string `env:"TRELLIS_ENGINE_URL" help:"Where candidates take a test: a template with {assessment} and {token}."`
	LogLevel      string `env:"TRELLIS_LOG_LEVEL" default:"info" enum:"debug,info,warn,error" help:"Least level to log."`

	TrustedProxies []string `env:"TRELLIS_TRUSTED_PROXIES" help:"Addresses or networks (10.0.0.0/8) of proxies whose X-Forwarded-For is believed."`

	Vendor []string `env:"TRELLIS_VENDOR" help:"What the vendor is at each ATS, for all customers: greenhouse.client_id=…,greenhouse.client_secret=…" json:"-"`

	Limits `embed:""`
	Pushes `embed:"" prefix:"push-"`

	Reconciliation `embed:"" prefix:"reconcile-"`

	OIDC OIDC `embed:"" prefix:"oidc-"`

	Retention Retention `embed:"" prefix:"retention-"`
}

// keySize is the master key's length, in bytes.
const keySize = 32

// Embedded reports whether the database is the embedded one.
func (c Config) Embedded() bool { return c.DatabaseURL == "" }

// Database returns what the store opens.
func (c Config) Database() string {
	if c.Embedded() {
		return filepath.Join(c.DataDir, "trellis.db")
	}
	return c.DatabaseURL
}

// BaseURL returns the public address without a slash at the end.
func (c Config) BaseURL() string {
	if c.PublicURL != "" {
		return strings.TrimSuffix(c.PublicURL, "/")
	}
	return "http://" + c.Listen
}

// Check tells all that is wrong at once, each with how to mend it. It is not
// called Validate because kong would call that before the doctor can speak.
func (c Config) Check() error {
	var problems []error
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		problems = append(problems, fmt.Errorf("TRELLIS_LISTEN is %q; write host:port, for example 127.0.0.1:8080", c.Listen))
	}
	problems = append(problems,
		checkURL("TRELLIS_PUBLIC_URL", c.PublicURL, "http", "https"),
		checkURL("TRELLIS_DATABASE_URL", c.DatabaseURL, "postgres", "postgresql"),
		checkURL("TRELLIS_REDIS_URL", c.RedisURL, "redis", "rediss"),
		checkURL("TRELLIS_SMTP_URL", c.SMTPURL, "smtp", "smtps"),
		checkURL("TRELLIS_ENGINE_URL", c.EngineURL, "http", "https"),
		c.validateLimits(), c.validatePushes(), c.validateReconciliation(), c.OIDC.validate(), c.Retention.validate(),
	)
	if _, err := c.Proxies(); err != nil {
		problems = append(problems, err)
	}
	if _, err := c.VendorValues(); err != nil {
		problems = append(problems, err)
	}
	if c.EngineURL != "" && !strings.Contains(c.EngineURL, "{assessment}") {
		problems = append(problems, errors.New("TRELLIS_ENGINE_URL has no {assessment}; the engine could not tell which one to run"))
	}
	return errors.Join(problems...)
}

// checkURL never repeats the value: it may hold a password.
func checkURL(name, value string, schemes ...string) error {
	if value == "" {
		return nil
	}
	u, err := url.Parse(value)
	if err == nil && u.Host != "" {
		for _, s := range schemes {
			if u.Scheme == s {
				return nil
			}
		}
	}
	if err == nil && u.Host == "" && strings.HasPrefix(schemes[0], "postgres") && strings.HasPrefix(u.Scheme, "postgres") {
		return nil // a socket: postgres:///database?host=/run/postgresql
	}
	return fmt.Errorf("%s is not an address that begins with %s://", name, strings.Join(schemes, ":// or "))
}

// Key returns the master key. For the embedded default it is made in the data
// directory when there is none; elsewhere a missing key is an error, since
// replicas must share it.
func (c Config) Key() ([]byte, error) {
	switch {
	case c.MasterKey != "":
		return parseKey("TRELLIS_MASTER_KEY", c.MasterKey)
	case c.MasterKeyFile != "":
		return readKey(c.MasterKeyFile)
	case c.Embedded():
		return c.generatedKey()
	default:
		return nil, errors.New("there is no master key: set TRELLIS_MASTER_KEY or TRELLIS_MASTER_KEY_FILE to 32 random bytes in base64, for example from: openssl rand -base64 32")
	}
}

// WithLocalKey returns c with the data directory's master key, which is made if
// there is none, whatever the database. Only for what runs once, on one machine.
func (c Config) WithLocalKey() (Config, error) {
	if c.MasterKey != "" || c.MasterKeyFile != "" {
		return c, nil
	}
	key, err := c.generatedKey()
	c.MasterKey = base64.StdEncoding.EncodeToString(key)
	return c, err
}

func (c Config) generatedKey() ([]byte, error) {
	path := filepath.Join(c.DataDir, "master.key")
	key, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("the data directory cannot be made: %w", err)
	}
	key = make([]byte, keySize)
	_, _ = rand.Read(key) // never fails: crypto/rand aborts the process instead
	if err := keepKey(path, key); err != nil {
		return nil, fmt.Errorf("the master key cannot be kept: %w", err)
	}
	return readKey(path) // another process may have been first
}

// keepKey writes the key unless there is one. The file appears whole: a server
// and a setup may begin at the same time.
func keepKey(path string, key []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".master.key-*") // only its owner can read it
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func readKey(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the master key cannot be read: %w", err)
	}
	return parseKey(path, string(text))
}

func parseKey(name, text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("%s does not hold 32 bytes in base64; make one with: openssl rand -base64 32", name)
	}
	return key, nil
}

// LogValue is the configuration as it may be logged: secrets are only said to be there.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("listen", c.Listen), slog.String("dataDir", c.DataDir), slog.String("publicURL", c.BaseURL()),
		slog.String("database", scheme(c.DatabaseURL, "sqlite")), slog.String("redis", scheme(c.RedisURL, "none")),
		slog.String("smtp", scheme(c.SMTPURL, "none")), slog.Bool("masterKeySet", c.MasterKey != "" || c.MasterKeyFile != ""),
		slog.Bool("engineSet", c.EngineURL != ""), slog.Any("vendor", c.vendorNames()), slog.Bool("oidc", c.OIDC.Configured()),
		slog.Int("rateLimit", c.RateLimit), slog.Bool("allowList", c.AllowList != ""),
	)
}

func scheme(value, none string) string {
	if value == "" {
		return none
	}
	before, _, _ := strings.Cut(value, "://")
	return before
}

// Proxies returns the networks whose X-Forwarded-For is believed.
func (c Config) Proxies() ([]netip.Prefix, error) {
	networks := make([]netip.Prefix, 0, len(c.TrustedProxies))
	for _, text := range c.TrustedProxies {
		text = strings.TrimSpace(text)
		if a, err := netip.ParseAddr(text); err == nil {
			networks = append(networks, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, errors.New("TRELLIS_TRUSTED_PROXIES is written 10.0.0.0/8,192.0.2.7")
		}
		networks = append(networks, p)
	}
	return networks, nil
}

// Level returns the least level to log.
func (c Config) Level() slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return slog.LevelInfo
	}
	return l
}
