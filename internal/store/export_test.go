package store

// CheckArguments is what every query argument passes.
func CheckArguments(args ...any) error { return checkArguments(args) }
