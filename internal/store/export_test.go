package store

import "github.com/pressly/goose/v3"

// CheckArguments is what every query argument passes.
func CheckArguments(args ...any) error { return checkArguments(args) }

// OwnMigrations steps through the migrations of Trellis's tables.
func OwnMigrations(db *DB) (*goose.Provider, error) { return db.ownMigrations() }
