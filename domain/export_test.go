package domain

// MaxUsed is how many used tokens a session remembers.
const MaxUsed = maxUsed
