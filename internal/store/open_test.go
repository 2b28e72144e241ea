package store_test

import (
	"bytes"
	"context"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
	"github.com/trellis-ats/trellis/internal/store/storetest"
)

func open(t *testing.T, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	_ = closed.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		o    store.Options
		code fault.Code
	}{
		"short key":   {store.Options{URL: file, MasterKey: []byte("short")}, fault.Config},
		"short old":   {store.Options{URL: file, MasterKey: storetest.MasterKey(), OldKeys: [][]byte{{1}}}, fault.Config},
		"bad url":     {store.Options{URL: "postgres://u:hunter2@h:port/x"}, fault.Config},
		"not a place": {store.Options{URL: "sqlite:" + filepath.Join(file, "x.db")}, fault.Config},
		"nobody":      {store.Options{URL: "postgres://u:hunter2@" + nobody + "/x?sslmode=disable"}, fault.Retryable},
	} {
		_, err := store.Open(t.Context(), c.o)
		if !fault.Is(err, c.code) {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error holds the password", name)
		}
	}
}

func TestSQLiteFileIsForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "own", "it's 100%? #1.db")
	db := open(t, store.Options{URL: "sqlite:" + path})
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	found, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(found) < 3 {
		t.Fatalf("%d files, %v", len(found), err)
	}
	for _, f := range found {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 || !strings.HasPrefix(f.Name(), filepath.Base(path)) {
			t.Errorf("%s has mode %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

// keep makes an organization with a connection that has one secret and a key.
func keep(t *testing.T, db *store.DB, secret core.Secret) *core.Connection {
	t.Helper()
	now := time.Now()
	org := &core.Organization{ID: core.NewID(core.PrefixOrganization), Name: string(core.NewID("n")), CreatedAt: now}
	c := &core.Connection{ID: core.NewID(core.PrefixConnection), OrganizationID: org.ID, Adapter: "greenhouse", CreatedAt: now}
	k := &core.PartnerKey{ID: core.NewID(core.PrefixPartnerKey), OrganizationID: org.ID, ConnectionID: c.ID, Adapter: "greenhouse", Hash: secret.Hash(), CreatedAt: now}
	err := db.Atomically(t.Context(), func(tx core.Tx) error {
		if err := tx.InsertOrganization(t.Context(), org); err != nil {
			return err
		}
		if err := tx.InsertConnection(t.Context(), c, map[string]core.Secret{"api_key": secret}); err != nil {
			return err
		}
		return tx.InsertPartnerKey(t.Context(), k, secret)
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSecretsAreNotInTheFile(t *testing.T) {
	t.Parallel()
	path := storetest.NewSQLiteFile(t)
	secret := core.NewSecret("whs_")
	c := keep(t, storetest.OpenURL(t, path), secret)
	var all []byte
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, content...)
	}
	if !bytes.Contains(all, []byte(c.ID)) || bytes.Contains(all, []byte(secret.Reveal()[4:])) {
		t.Error("the connection is not in the file, or its secret is")
	}
}

func TestMasterKeys(t *testing.T) {
	t.Parallel()
	path := storetest.NewSQLiteFile(t)
	first, second := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	secret := core.NewSecret("whs_")
	old := keep(t, open(t, store.Options{URL: path, MasterKey: first}), secret)

	both := open(t, store.Options{URL: path, MasterKey: second, OldKeys: [][]byte{first}})
	fresh := keep(t, both, core.NewSecret("whs_"))
	readSecret(t, both, old, secret)

	for name, o := range map[string]store.Options{"no key": {}, "another key": {MasterKey: second}} {
		o.URL = path
		db := open(t, o)
		_, err := db.ConnectionSecrets(t.Context(), old.OrganizationID, old.ID)
		expectConfig(t, name+", connection", err)
		_, err = db.PartnerKeyInUse(t.Context(), old.OrganizationID, old.ID)
		expectConfig(t, name+", partner key", err)
		if _, err := db.Connection(t.Context(), old.OrganizationID, old.ID); err != nil {
			t.Errorf("%s: what needs no key: %v", name, err)
		}
	}
	_, err := open(t, store.Options{URL: path, MasterKey: first}).ConnectionSecrets(t.Context(), fresh.OrganizationID, fresh.ID)
	expectConfig(t, "the old key on what is new", err)
}

func expectConfig(t *testing.T, what string, err error) {
	t.Helper()
	if !fault.Is(err, fault.Config) || !strings.Contains(fault.From(err).Message, "The master key does not open") {
		t.Errorf("%s: got %v", what, err)
	}
}

func readSecret(t *testing.T, db *store.DB, c *core.Connection, want core.Secret) {
	t.Helper()
	got, err := db.ConnectionSecrets(t.Context(), c.OrganizationID, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]core.Secret{"api_key": want}, got); diff != "" {
		t.Error("another secret came back")
	}
	key, err := db.PartnerKeyInUse(t.Context(), c.OrganizationID, c.ID)
	if err != nil || key != want {
		t.Errorf("another partner key came back, or %v", err)
	}
}

func TestSealedSecretsBelongToTheirRow(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	victim, thief := keep(t, db, core.NewSecret("whs_")), keep(t, db, core.NewSecret("whs_"))
	_, err := db.SQL().ExecContext(t.Context(),
		"UPDATE connections SET sealed_secrets = (SELECT sealed_secrets FROM connections WHERE id = $1) WHERE id = $2", victim.ID, thief.ID)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ConnectionSecrets(t.Context(), thief.OrganizationID, thief.ID)
	expectConfig(t, "a moved blob", err)
}

func TestNoMasterKeyKeepsNoSecret(t *testing.T) {
	t.Parallel()
	db := open(t, store.Options{URL: storetest.NewSQLiteFile(t)})
	err := db.Atomically(t.Context(), func(tx core.Tx) error {
		return tx.InsertConnection(t.Context(), &core.Connection{ID: "con_1"}, nil)
	})
	if !fault.Is(err, fault.Config) {
		t.Errorf("got %v", err)
	}
}

// TestLostConnection ends the server's side of a connection in the middle of
// a transaction, and before its commit.
func TestLostConnection(t *testing.T) {
	t.Parallel()
	address := storetest.NewPostgresSchema(t)
	admin := storetest.OpenURL(t, address)
	if err := admin.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	name := "victim" + strings.ToLower(string(core.NewID("x"))[20:])
	db := storetest.OpenURL(t, withName(t, address, name))
	cut := func() {
		_, err := admin.SQL().ExecContext(t.Context(), "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = $1", name)
		if err != nil {
			t.Error(err)
		}
	}
	insert := func(tx core.Tx) error {
		return tx.InsertOrganization(t.Context(), &core.Organization{ID: core.NewID(core.PrefixOrganization), Name: string(core.NewID("n")), CreatedAt: time.Now()})
	}
	err := db.Atomically(t.Context(), func(tx core.Tx) error { cut(); return insert(tx) })
	if !fault.Is(err, fault.Retryable) {
		t.Errorf("in the middle: got %v", err)
	}
	err = db.Atomically(t.Context(), func(tx core.Tx) error { cut(); return nil })
	if !fault.Is(err, fault.Internal) || !strings.Contains(fault.From(err).Message, "did not confirm") {
		t.Errorf("at the commit: got %v", err)
	}
	if err := db.Ping(context.WithoutCancel(t.Context())); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func withName(t *testing.T, address, name string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("application_name", name)
	u.RawQuery = q.Encode()
	return u.String()
}
