package sqlite

import (
	"context"
	"database/sql"
	"fmt"
)

// setting is a pragma and what SQLite answers when asked for it.
type setting struct{ name, value, answer string }

// What the connections are opened with; the driver sets it in the order of the
// names. That an acknowledged record survives rests on journal_mode and synchronous.
var (
	writing = []setting{
		{"busy_timeout", "5000", "5000"}, // for a backup that reads along
		{"journal_mode", "WAL", "wal"},
		{"synchronous", "FULL", "2"},
		{"foreign_keys", "ON", "1"},
		{"trusted_schema", "OFF", "0"},
		{"secure_delete", "ON", "1"},
		{"recursive_triggers", "ON", "1"},              // or INSERT OR REPLACE would pass the trigger against DELETE
		{"cache_size", "-8192", "-8192"},               // KiB; more does not pay, since a commit walks through it
		{"journal_size_limit", "67108864", "67108864"}, // bytes that a burst may leave on the disk
		{"wal_autocheckpoint", "4000", "4000"},         // pages: about 16 MiB, so that pages of indexes are copied once for many records
	}
	reading = []setting{
		{"busy_timeout", "5000", "5000"},
		{"trusted_schema", "OFF", "0"},
		{"query_only", "ON", "1"},
		{"cache_size", "-4096", "-4096"},
	}
)

// pragmas returns settings as the driver wants them.
func pragmas(settings []setting) []string {
	list := make([]string, len(settings))
	for i, s := range settings {
		list[i] = s.name + "(" + s.value + ")"
	}
	return list
}

// assert returns a fault unless a connection of db has these settings.
func assert(ctx context.Context, db *sql.DB, settings []setting) error {
	for _, s := range settings {
		var got string
		if err := db.QueryRowContext(ctx, "PRAGMA "+s.name).Scan(&got); err != nil {
			return fmt.Errorf("reading %s: %w", s.name, err)
		}
		if got != s.answer {
			return fmt.Errorf("%s is %s, must be %s", s.name, got, s.answer)
		}
	}
	return nil
}
