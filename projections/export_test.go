package projections

import "time"

// Hurry makes r try again at once after a fault.
func (r *Runner) Hurry() { r.pause = time.Millisecond }
