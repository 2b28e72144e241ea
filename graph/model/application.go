package model

import (
	"strings"

	"github.com/trellis-ats/trellis/core"
)

// Application is an application in an ATS as callers see it.
type Application struct {
	*core.Application
	Batch *Batch[core.Application]
}

// ViewApplication is a view of one of a batch.
func ViewApplication(a *core.Application, b *Batch[core.Application]) Application {
	return Application{a, b}
}

// ExternalID is nil if it was not told, and for what stands in its place once
// the candidate was erased.
func (a Application) ExternalID() *string {
	if strings.HasPrefix(a.Application.ExternalID, "erased:") {
		return nil
	}
	return optional(a.Application.ExternalID)
}

// ExternalJobID is nil if it was not told.
func (a Application) ExternalJobID() *string { return optional(a.JobExternalID) }

// StageID is nil if it was not told.
func (a Application) StageID() *string { return optional(a.Application.StageID) }

// StageName is nil if it was not told.
func (a Application) StageName() *string { return optional(a.Application.StageName) }
