package domain

import (
	"slices"
	"time"
)

// ActorKind says what kind of thing acts. The numbers are stored in every event.
type ActorKind uint8

// The kinds of actor.
const (
	ActorSystem    ActorKind = 0 // the deployment itself: reconciler, sweeper
	ActorUser      ActorKind = 1 // a person with an access token
	ActorKey       ActorKind = 2 // an API key
	ActorAnonymous ActorKind = 3 // nobody proven: registration, a failed login
	ActorOperator  ActorKind = 4 // who runs the deployment, at its own console
)

// String returns the name that audit answers show.
func (k ActorKind) String() string {
	names := [...]string{"system", "user", "api_key", "anonymous", "operator"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Environment is one of two disjoint spaces of credentials within a tenant: who
// acts in one sees, uses and ends nothing of the other. The words are stored.
type Environment string

// The environments.
const (
	Live Environment = "live"
	Test Environment = "test"
)

var errEnvironment = invalid("environment must be live or test")

func (e Environment) valid() bool { return e == Live || e == Test }

// Origin is where a request came from. It is personal data: it is stored only
// beside the payload, encrypted under the key of the user who acts.
type Origin struct {
	IP        string `json:"ip,omitempty"`
	UserAgent string `json:"user_agent,omitempty"`
}

// Actor is who acts, as proven by the edge. It is passed by value and by name,
// never carried in a context.
type Actor struct {
	Tenant      TenantID // whose chain the act goes on
	Kind        ActorKind
	ID          ID        // the user or the API key; zero for system and anonymous
	User        UserID    // who answers for it: the user, or the key's owner
	Session     SessionID // of an access token; zero for an API key
	Role        Role
	Scopes      []Scope // what this access may do, sorted
	Environment Environment
	Verdict     Verdict // what was decided about this request of it, whatever its scopes are
	ProvenAt    int64   // when the user last proved who they are, Unix microseconds; 0 for an API key
	Request     RequestID
	Origin      Origin
}

// Why an access does not go as far as a request. The words are stored, as reasons
// of AccessDenied and CredentialUnsealDenied.
const (
	BarredScope    = "scope"    // the access does not cover it
	BarredRole     = "role"     // the user's role does not
	BarredKey      = "api_key"  // it is for people, and never for API keys
	BarredAddress  = "address"  // not from there
	BarredFactor   = "mfa_owed" // the tenant demands a second factor that the user has not
	BarredTrial    = "trial"    // it adds something, and the trial is over
	BarredLockdown = "lockdown" // it releases a value, and the tenant is locked
	BarredStepUp   = "step_up"  // the user proved too long ago who they are
	BarredRoute    = "route"    // nobody decided who may
)

// What two of them tell a caller beside ErrDenied: there is something to be done.
var (
	// ErrStepUp refuses what takes a fresh proof of who asks.
	ErrStepUp = &Error{Denied, "prove once more who you are"}
	// ErrFactorOwed refuses everything to a user who has yet to set up a second factor.
	ErrFactorOwed = &Error{Denied, "set up a second factor first"}
)

// Verdict is what was decided about a request of an actor. The zero Verdict is that
// of a request about which nobody decided; see Actor.Bar.
type Verdict struct {
	decided bool
	bar     string
}

// Judged returns the verdict that bars an actor for a reason, or lets it go as far
// as its scopes reach if that is "".
func Judged(reason string) Verdict { return Verdict{decided: true, bar: reason} }

// Bar returns why the actor may not do what its request asks, or "". A user or an
// API key about whose request nobody decided may nothing. The others have no rights
// that could be asked about: what they do is theirs by the way in which they came.
func (a Actor) Bar() string {
	if !a.Verdict.decided && (a.Kind == ActorUser || a.Kind == ActorKey) {
		return BarredRoute
	}
	return a.Verdict.bar
}

// Covers reports whether the actor's access covers scope.
func (a Actor) Covers(scope Scope) bool {
	_, found := slices.BinarySearch(a.Scopes, scope)
	return found
}

// May reports whether the actor's access covers scope, and nothing bars it.
func (a Actor) May(scope Scope) bool { return a.Covers(scope) && a.Bar() == "" }

// Denial returns why the actor may not, as it is stored, and the refusal.
func (a Actor) Denial() (reason string, refusal error) {
	switch bar := a.Bar(); bar {
	case "":
		return BarredScope, ErrDenied
	case BarredStepUp:
		return bar, ErrStepUp
	case BarredFactor:
		return bar, ErrFactorOwed
	default:
		return bar, ErrDenied
	}
}

// SteppedUp reports whether the user proved who they are within StepUpTTL of now.
// An API key never has.
func (a Actor) SteppedUp(now time.Time) bool {
	return a.Kind == ActorUser && a.ProvenAt != 0 && now.UnixMicro()-a.ProvenAt <= StepUpTTL.Microseconds()
}

// System returns the actor for work that the deployment does on tenant by itself.
// It has no scopes: no rule asks it for any.
func System(tenant TenantID, request RequestID) Actor {
	return Actor{Tenant: tenant, Kind: ActorSystem, Request: request}
}
