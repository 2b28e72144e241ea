package graph

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/trellis-ats/trellis/core"
)

// keyOf returns the idempotency key of a mutation with the digest of the rest
// of its input. The rest is encoded from Go's types, so that the order of
// fields, nulls and the spelling of numbers make no difference.
func keyOf(text string, rest any) (core.Key, error) {
	if text == "" {
		return core.Key{}, nil
	}
	encoded, err := json.Marshal(rest)
	if err != nil {
		return core.Key{}, fmt.Errorf("input: %w", err)
	}
	sum := sha256.Sum256(encoded)
	return core.Key{Text: text, Digest: hex.EncodeToString(sum[:])}, nil
}

// orZero makes an argument that was left out the zero value.
func orZero[T any](v *T) T {
	if v == nil {
		return *new(T)
	}
	return *v
}
