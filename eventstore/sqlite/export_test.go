package sqlite

import "context"

// ExecOnWriter runs a statement with the settings that Append runs with.
func ExecOnWriter(ctx context.Context, s *Store, statement string) error {
	_, err := s.write.ExecContext(ctx, statement)
	return err
}

// ExecOnReader runs a statement with the settings that reads run with.
func ExecOnReader(ctx context.Context, s *Store, statement string) error {
	_, err := s.read.ExecContext(ctx, statement)
	return err
}
