package main

import (
	"context"
	"crypto/hmac"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"
	_ "modernc.org/sqlite"
)

// floorSecret signs the bare handler's web hooks.
const floorSecret = "a secret of the bench"

// floor is the least that an order or a web hook can cost: read the body, for a
// web hook check its signature, commit one row, answer.
type floor struct {
	db    *sqlx.DB
	count atomic.Int64
}

// serveFloor uses the same driver and settings as the store.
func serveFloor(ctx context.Context, database, listen string) error {
	db, err := openFloor(database)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	f := &floor{db: db}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /order", func(w http.ResponseWriter, r *http.Request) {
		f.keep(w, r, func([]byte) bool { return true })
	})
	mux.HandleFunc("POST /hook", func(w http.ResponseWriter, r *http.Request) {
		f.keep(w, r, func(body []byte) bool {
			return hmac.Equal([]byte(r.Header.Get("Signature")), []byte(signature(floorSecret, body)))
		})
	})
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	fmt.Fprintln(os.Stderr, "listening")
	return server.Serve(listener)
}

func (f *floor) keep(w http.ResponseWriter, r *http.Request, authentic func(body []byte) bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	switch {
	case err != nil:
	case !authentic(body):
		w.WriteHeader(http.StatusUnauthorized)
		return
	default:
		_, err = f.db.ExecContext(r.Context(), `INSERT INTO floor (id, body) VALUES ($1, $2)`, f.count.Add(1), string(body))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"partner_interview_id":"1"}`)
}

func openFloor(database string) (*sqlx.DB, error) {
	driver, conns := "postgres", 20
	if !strings.HasPrefix(database, "postgres") {
		driver, conns = "sqlite", 1
		database = "file:" + database + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(NORMAL)&_txlock=immediate"
	} else {
		database += "&binary_parameters=yes"
	}
	db, err := sqlx.Open(driver, database)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	_, err = db.Exec(`CREATE TABLE floor (id BIGINT PRIMARY KEY, body TEXT NOT NULL)`)
	return db, err
}
