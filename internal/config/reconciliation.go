package config

import (
	"errors"
	"time"
)

// Reconciliation tells how often it is looked for what nobody told, and from
// when on something is an issue.
type Reconciliation struct {
	ReconcileEvery       time.Duration `name:"every" env:"TRELLIS_RECONCILE_EVERY" default:"15m" help:"How often to look for what went wrong unnoticed, and to ask the ATSs for changes that no web hook told."`
	ReconcileUndelivered time.Duration `name:"undelivered" env:"TRELLIS_RECONCILE_UNDELIVERED" default:"30m" help:"After how long a result that the ATS did not confirm is an issue."`
	ReconcileUninvited   time.Duration `name:"uninvited" env:"TRELLIS_RECONCILE_UNINVITED" default:"1h" help:"After how long an order without an invitation is an issue."`
	ReconcileUnopened    time.Duration `name:"unopened" env:"TRELLIS_RECONCILE_UNOPENED" default:"168h" help:"After how long an invitation that nobody took up is an issue."`
	ReconcileUnfinished  time.Duration `name:"unfinished" env:"TRELLIS_RECONCILE_UNFINISHED" default:"48h" help:"After how long a test that was begun and not finished is an issue."`
	ReconcileUnscored    time.Duration `name:"unscored" env:"TRELLIS_RECONCILE_UNSCORED" default:"1h" help:"After how long a test that was finished and not scored is an issue."`
	ReconcilePushes      time.Duration `name:"pushes" env:"TRELLIS_RECONCILE_PUSHES" default:"720h" help:"For how long it is looked once a day whether a pushed candidate is still in the ATS."`
}

// leastInterval keeps runs from following each other without a pause.
const leastInterval = time.Minute

// ReconcileInterval is how often reconciliation runs.
func (r Reconciliation) ReconcileInterval() time.Duration {
	if r.ReconcileEvery == 0 {
		return 15 * time.Minute
	}
	return r.ReconcileEvery
}

// validateReconciliation lets all be zero, which is their default.
func (r Reconciliation) validateReconciliation() error {
	if r.ReconcileInterval() < leastInterval {
		return errors.New("TRELLIS_RECONCILE_EVERY is at least 1m")
	}
	for _, limit := range []time.Duration{
		r.ReconcileUndelivered, r.ReconcileUninvited, r.ReconcileUnopened, r.ReconcileUnfinished, r.ReconcileUnscored, r.ReconcilePushes,
	} {
		if limit < 0 {
			return errors.New("the TRELLIS_RECONCILE_… times are not negative; 0 is the default")
		}
	}
	return nil
}
