package main

import (
	"context"
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

// serveFloor is the least that an order can cost: read the body, commit one
// row, answer. It uses the same driver and settings as the store.
func serveFloor(ctx context.Context, database, listen string) error {
	db, err := openFloor(database)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var count atomic.Int64
	handler := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err == nil {
			_, err = db.ExecContext(r.Context(), `INSERT INTO floor (id, body) VALUES ($1, $2)`, count.Add(1), string(body))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"partner_interview_id":"1"}`)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(handler), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	fmt.Fprintln(os.Stderr, "listening")
	return server.Serve(listener)
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
