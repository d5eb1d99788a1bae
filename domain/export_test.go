package domain

// MaxUsed is how many used tokens a session remembers.
const MaxUsed = maxUsed

// WithDeclared puts in_declared_range into a payload.
var WithDeclared = withDeclared
