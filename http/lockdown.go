package http

import (
	"context"

	"github.com/quantaseal/quantaseal/commands"
)

type lockdownRequest struct {
	Reason string `json:"reason"`
	Drill  bool   `json:"drill"`
}

// lockdown says whether values are released.
type lockdown struct {
	Locked       bool    `json:"locked"`
	LockedAt     instant `json:"locked_at"`
	Instructions string  `json:"unlock_instructions"`
}

// unlockInstructions is for whoever reads the answer to a lockdown.
const unlockInstructions = "An owner who has just proven who they are sends POST /api/v2/security/emergency-lockdown/release " +
	"with an access token. An API key cannot."

// lockDown handles POST /security/emergency-lockdown.
func (s *Server) lockDown(ctx context.Context, in *call, req lockdownRequest) (reply[lockdown], error) {
	l, err := s.Identity.LockDown(ctx, commands.LockDown{Actor: in.by, Reason: req.Reason, Drill: req.Drill})
	if err != nil {
		return reply[lockdown]{}, err
	}
	return reply[lockdown]{data: lockdown{l.Locked, instant(l.Since), unlockInstructions}, receipt: l.Receipt}, nil
}

// liftLockdown handles POST /security/emergency-lockdown/release.
func (s *Server) liftLockdown(ctx context.Context, in *call, _ none) (reply[lockdown], error) {
	l, err := s.Identity.LiftLockdown(ctx, commands.LiftLockdown{Actor: in.by})
	return reply[lockdown]{data: lockdown{}, receipt: l.Receipt}, err
}
