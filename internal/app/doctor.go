package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/config"
	"github.com/trellis-ats/trellis/internal/store"
	"github.com/trellis-ats/trellis/plugins/host"
)

// Migrate brings the database to this version's tables.
func Migrate(ctx context.Context, o Options) error {
	db, err := openDatabase(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(db.Migrate(ctx), db.Close())
}

func openDatabase(ctx context.Context, o Options) (*store.DB, error) {
	if err := o.Config.Check(); err != nil {
		return nil, err
	}
	key, err := o.Config.Key()
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, store.Options{URL: o.Config.Database(), MasterKey: key, Log: o.Log})
}

// Finding is one thing that the doctor looked at.
type Finding struct {
	What    string
	Fine    string // what was found, if it is well
	Problem string // what is wrong and how to mend it; empty if it is well
	Fatal   bool   // the server cannot work with the problem
}

// Text is what to print.
func (f Finding) Text() string {
	if f.Problem != "" {
		return f.Problem
	}
	return f.Fine
}

// Examine looks at everything that a server needs. It changes nothing, but for
// the master key that the embedded default makes for itself.
func Examine(ctx context.Context, o Options) []Finding {
	findings := []Finding{finding("settings", "well-formed", o.Config.Check())}
	if findings[0].Problem != "" {
		return findings
	}
	findings = append(findings, examineDatabase(ctx, o)...)
	findings = append(findings, examineAdapters(ctx, o)...)
	return append(findings, examineMail(ctx, o.Config), examineEngine(o.Config), examineAddress(o.Config))
}

func finding(what, fine string, err error) Finding {
	f := Finding{What: what, Fine: fine}
	if err != nil {
		f.Problem, f.Fatal = strings.ReplaceAll(err.Error(), "\n", "; "), true
	}
	return f
}

func examineDatabase(ctx context.Context, o Options) []Finding {
	if _, err := o.Config.Key(); err != nil {
		return []Finding{finding("master key", "", err)}
	}
	if o.Config.Embedded() {
		if _, err := os.Stat(o.Config.Database()); errors.Is(err, os.ErrNotExist) {
			return []Finding{{What: "database", Fine: "none yet; the server makes " + o.Config.Database()}}
		}
	}
	db, err := openDatabase(ctx, o)
	if err != nil {
		return []Finding{finding("database", "", err)}
	}
	defer func() { _ = db.Close() }() // nothing was written
	if err := db.Ping(ctx); err != nil {
		return []Finding{finding("database", "", fmt.Errorf("it does not answer: %w", err))}
	}
	current, err := db.Migrated(ctx)
	f := finding("database", "answers, and its tables are this version's", err)
	if err == nil && !current {
		f.Problem = "its tables are older than this version; the server brings them up to date when it starts, or run: trellis migrate"
	}
	return []Finding{f}
}

func examineAdapters(ctx context.Context, o Options) []Finding {
	h := host.New(host.Options{Log: o.Log, Launches: launches(o.Adapters)})
	defer func() { _ = h.Close() }() // only looked at
	if err := h.Start(ctx); err != nil {
		return []Finding{finding("adapters", "", err)}
	}
	var findings []Finding
	for _, name := range h.Names() {
		m, err := h.Manifest(name)
		f := finding("adapter", "", err)
		if err == nil {
			f.Fine = fmt.Sprintf("%s %s runs", m.Name, m.Version)
		} else {
			f.Problem = name + ": " + fault.From(err).Message
		}
		findings = append(findings, f)
	}
	return findings
}

func examineMail(ctx context.Context, c config.Config) Finding {
	if c.SMTPURL == "" {
		return Finding{What: "mail", Problem: "TRELLIS_SMTP_URL is not set: no invitation will be sent"}
	}
	u, _ := url.Parse(c.SMTPURL) // validated
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), map[string]string{"smtp": "587", "smtps": "465"}[u.Scheme])
	}
	d := net.Dialer{Timeout: 5 * time.Second}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return Finding{What: "mail", Problem: "the mail server does not answer at " + address + ": check TRELLIS_SMTP_URL and the firewall"}
	}
	_ = conn.Close() // only looked at
	return Finding{What: "mail", Fine: "the mail server answers at " + address}
}

func examineEngine(c config.Config) Finding {
	if c.EngineURL == "" {
		return Finding{What: "engine", Problem: "TRELLIS_ENGINE_URL is not set: candidates cannot start a test"}
	}
	return Finding{What: "engine", Fine: "candidates are sent to it"}
}

func examineAddress(c config.Config) Finding {
	u, _ := url.Parse(c.BaseURL())
	if u.Scheme != "https" && !isLoopback(u.Hostname()) {
		return Finding{What: "address", Problem: "TRELLIS_PUBLIC_URL is not https: an ATS will not call it, and keys would travel in the clear"}
	}
	if isLoopback(u.Hostname()) {
		return Finding{What: "address", Problem: "TRELLIS_PUBLIC_URL is on this machine only: an ATS cannot reach it"}
	}
	return Finding{What: "address", Fine: c.BaseURL()}
}

func isLoopback(hostname string) bool {
	ip := net.ParseIP(hostname)
	return hostname == "localhost" || (ip != nil && ip.IsLoopback())
}
