package core

import (
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// abilityOf returns an adapter as one of the contract's optional interfaces.
// Errors: fault.NotFound, fault.Retryable before the adapter's first answer,
// fault.Unsupported if it does not offer the capability.
func abilityOf[T any](a Adapters, adapter string, name ats.CapabilityName) (T, error) {
	var none T
	m, err := a.Manifest(adapter)
	if err != nil {
		return none, err
	}
	unsupported := fault.New(fault.Unsupported, "The adapter %s does not offer %s. Nothing was done.", adapter, name)
	if !m.Has(name) {
		return none, unsupported
	}
	proxy, err := a.Adapter(adapter)
	if err != nil {
		return none, err
	}
	able, ok := proxy.(T)
	if !ok {
		return none, unsupported
	}
	return able, nil
}
