package store

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/lib/pq"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/trellis-ats/trellis/core/fault"
)

// mapped gives an error of the database its class. Errors that have one, and
// sql.ErrNoRows, stay as they are; unknown ones are internal.
func mapped(err error) error {
	var classed *fault.Error
	switch {
	case err == nil, errors.As(err, &classed), errors.Is(err, sql.ErrNoRows):
		return err
	case isUnique(err):
		e := fault.Wrap(err, fault.Conflict, "There is one like this already. Nothing was changed.")
		e.Kind = "EXISTS"
		return e
	case isBusy(err):
		return fault.Wrap(err, fault.Retryable, "The database is busy. Nothing was changed; try again.")
	case isUnreachable(err):
		return unreachable(err)
	default:
		return err
	}
}

func unreachable(err error) error {
	return fault.Wrap(err, fault.Retryable, "The database does not answer. Nothing was changed; try again.")
}

// commitFailed is not Retryable if the answer to the commit was lost: the
// change may have been kept.
func commitFailed(err error) error {
	if isUnreachable(err) {
		return fault.Wrap(err, fault.Internal, "The database did not confirm the change. Look whether it was made before you repeat it.")
	}
	return mapped(err)
}

// notFound replaces sql.ErrNoRows.
func notFound(err error, what string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fault.New(fault.NotFound, "There is no such %s.", what)
	}
	return err
}

// removed is the end of a DELETE of one row. Errors: fault.NotFound if there
// was none.
func removed(rows int64, err error, what string) error {
	if err == nil && rows == 0 {
		err = sql.ErrNoRows
	}
	return notFound(err, what)
}

func isUnique(err error) bool {
	switch postgresCode(err) {
	case "23505": // unique_violation
		return true
	}
	switch sqliteCode(err) {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return true
	}
	return false
}

func isBusy(err error) bool {
	switch postgresCode(err) {
	case "40001", "40P01", "55P03": // order of transactions, deadlock, lock not available
		return true
	}
	switch sqliteCode(err) & 0xff { // the low byte is the class
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return true
	}
	return false
}

func isUnreachable(err error) bool {
	var network net.Error
	code := postgresCode(err)
	switch {
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return true
	case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "57P"), code == "53300": // connection, shutdown, too many connections
		return true
	default:
		return errors.As(err, &network)
	}
}

func postgresCode(err error) string {
	var e *pq.Error
	if errors.As(err, &e) {
		return string(e.Code)
	}
	return ""
}

func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}
