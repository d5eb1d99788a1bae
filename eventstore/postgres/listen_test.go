package postgres

import (
	"testing"

	"pgregory.net/rapid"
)

// TestForeignIsKnown appends here and elsewhere, with notifications that come late
// or never: once it was looked, whoever waits knows of everything that others have
// appended, and is not woken for what this process has.
func TestForeignIsKnown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f foreign
		f.init()
		end, theirs := int64(0), int64(0)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			records := int64(rapid.IntRange(1, 3).Draw(t, "records"))
			switch rapid.SampledFrom([]string{"own", "notified", "lost", "looked"}).Draw(t, "step") {
			case "own":
				f.own(end+1, end+records)
				end += records
			case "notified":
				end += records
				theirs = end
				f.upTo(end)
			case "lost":
				end += records
				theirs = end
			case "looked":
				_, moved := f.beyond(end)
				before := f.last
				f.upTo(end)
				if f.last != theirs {
					t.Fatalf("others are thought to have appended up to %d, and it was %d", f.last, theirs)
				}
				select {
				case <-moved:
				default:
					if f.last > before {
						t.Fatal("nobody was woken")
					}
				}
			}
			if f.last > theirs {
				t.Fatalf("others are thought to have appended up to %d, and it was %d", f.last, theirs)
			}
			if more, _ := f.beyond(f.last); more {
				t.Fatal("there is more than all")
			}
			if more, _ := f.beyond(f.last - 1); !more && f.last > 0 {
				t.Fatal("the last is not waited for")
			}
		}
	})
}
