package model

import "github.com/trellis-ats/trellis/core"

// Result is a result as callers see it.
type Result struct {
	*core.Result
	Batch *Batch[core.Result]
}

// ViewResult is a view of one of a batch.
func ViewResult(r *core.Result, b *Batch[core.Result]) Result { return Result{r, b} }
