package kmstest

import (
	"context"
	"time"
)

// Fault is what goes wrong with a call.
type Fault struct {
	Delay    time.Duration // before anything else
	Hang     bool          // no answer, until the caller leaves
	Throttle bool          // ThrottlingException
	Fail     bool          // KMSInternalException
	Deny     bool          // AccessDeniedException
	Lie      bool          // another plaintext or signature than the right one
	Lose     bool          // it is done, and the connection breaks before the answer
	OtherKey bool          // the answer names another key
	Times    int           // how many calls it strikes; 0 = all
}

// Break makes an operation fail, or all of them if it is empty, until Mend.
func (a *AWS) Break(operation string, f Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f.Times == 0 {
		f.Times = -1
	}
	a.faults[operation] = f
}

// Mend ends all faults.
func (a *AWS) Mend() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.faults)
}

// fault returns what strikes this call.
func (a *AWS) fault(operation string) Fault {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, name := range []string{operation, ""} {
		f, ok := a.faults[name]
		if !ok || f.Times == 0 {
			continue
		}
		if f.Times > 0 {
			f.Times--
			a.faults[name] = f
		}
		return f
	}
	return Fault{}
}

// wait delays the call, and reports whether there is still somebody to answer.
func (f Fault) wait(ctx context.Context, closed <-chan struct{}) bool {
	if f.Hang {
		select {
		case <-ctx.Done():
		case <-closed:
		}
		return false
	}
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return false
		case <-closed:
			return false
		}
	}
	return true
}

// before returns the error that the call gets, if it gets one.
func (f Fault) before() string {
	switch {
	case f.Throttle:
		return "ThrottlingException"
	case f.Fail:
		return "KMSInternalException"
	case f.Deny:
		return "AccessDeniedException"
	}
	return ""
}

// after falsifies an answer.
func (f Fault) after(out response) {
	if f.OtherKey {
		out["KeyId"] = prefix + "00000000-0000-0000-0000-000000000000"
	}
	if !f.Lie {
		return
	}
	for _, field := range []string{"Plaintext", "Signature"} {
		if b, ok := out[field].([]byte); ok {
			b[0] ^= 1
		}
	}
}
