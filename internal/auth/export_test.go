package auth

// Doors for tests.
var (
	CommonText = &commonText
)

// Occupy takes one of the places for hashes until it is released.
func Occupy(p *Passwords) (release func()) {
	p.places <- struct{}{}
	return p.leave
}
