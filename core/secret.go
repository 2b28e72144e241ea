package core

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
)

// Secret is a text that must not be printed. It is shown once, at creation.
type Secret string

// String hides the secret from logs and formatting.
func (Secret) String() string { return "[secret]" }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return "[secret]" }

// Reveal returns the text.
func (s Secret) Reveal() string { return string(s) }

// NewSecret returns a random secret of 256 bits after a prefix that tells what
// it is: 43 characters and the prefix, well under what an ATS takes for a key
// (for example Greenhouse 170: facts/greenhouse.md 1.2).
func NewSecret(prefix string) Secret {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand aborts the process instead
	return Secret(prefix + base64.RawURLEncoding.EncodeToString(b[:]))
}

// Hash is how a key or token is stored and looked up. Secrets have 256 random
// bits, so a plain SHA-256 is enough: there is nothing to guess.
func (s Secret) Hash() string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// Matches compares with a stored hash in constant time.
func (s Secret) Matches(hash string) bool {
	return subtle.ConstantTimeCompare([]byte(s.Hash()), []byte(hash)) == 1
}
