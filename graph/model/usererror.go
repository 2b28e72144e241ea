package model

import "github.com/trellis-ats/trellis/core/fault"

// UserError is a refusal as callers see it.
type UserError struct {
	Code    fault.Code
	Reason  *string
	Field   *string
	Message string
}

// NewUserErrors shapes a refusal, one for each field that it names. A refusal
// that names none is about the field about, which may be empty.
func NewUserErrors(e *fault.Error, about string) []UserError {
	if len(e.Fields) == 0 {
		return []UserError{{Code: e.Code, Field: optional(about), Message: e.Message}}
	}
	errors := make([]UserError, len(e.Fields))
	for i, f := range e.Fields {
		errors[i] = UserError{Code: e.Code, Reason: optional(f.Code), Field: optional(f.Path), Message: f.Message}
	}
	return errors
}
