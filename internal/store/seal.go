package store

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"

	"github.com/trellis-ats/trellis/core/fault"
)

// A sealed blob is: version (1 byte), key id (8), nonce (12), ciphertext and
// tag of AES-256-GCM. The row's id is the additional data, so that a blob
// cannot be moved to another row.
const (
	sealVersion  = 1
	keyIDLength  = 8
	sealOverhead = 1 + keyIDLength + 12 + 16
)

// keyring seals with its first key and opens with any.
type keyring struct{ keys []sealingKey }

type sealingKey struct {
	id   []byte
	aead cipher.AEAD
}

// newKeyring derives the keys. Errors: fault.Config for a key that is not of 32 bytes.
func newKeyring(master []byte, old [][]byte) (*keyring, error) {
	ring := &keyring{}
	if len(master) == 0 {
		return ring, nil
	}
	for _, m := range append([][]byte{master}, old...) {
		if len(m) != 32 {
			return nil, fault.New(fault.Config, "A master key has 32 bytes; this one has %d.", len(m))
		}
		k, err := newSealingKey(m)
		if err != nil {
			return nil, err
		}
		ring.keys = append(ring.keys, k)
	}
	return ring, nil
}

func newSealingKey(master []byte) (sealingKey, error) {
	derived, err := hkdf.Key(sha256.New, master, nil, "trellis store sealing v1", 32)
	if err != nil {
		return sealingKey{}, fmt.Errorf("store: sealing key: %w", err)
	}
	id, err := hkdf.Key(sha256.New, master, nil, "trellis store key id v1", keyIDLength)
	if err != nil {
		return sealingKey{}, fmt.Errorf("store: key id: %w", err)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return sealingKey{}, fmt.Errorf("store: sealing key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealingKey{id: id, aead: aead}, err
}

// seal encrypts plain for one row. Errors: fault.Config without a master key.
func (r *keyring) seal(row string, plain []byte) ([]byte, error) {
	if len(r.keys) == 0 {
		return nil, fault.New(fault.Config, "No master key is set, so secrets cannot be kept. Set the master key and start again.")
	}
	k := r.keys[0]
	blob := make([]byte, 0, sealOverhead+len(plain))
	blob = append(append(blob, sealVersion), k.id...)
	return k.aead.Seal(blob, nil, plain, []byte(row)), nil //nolint:gosec // this AEAD makes its own random nonce
}

// open decrypts what seal made for the same row. Errors: fault.Config.
func (r *keyring) open(row string, blob []byte) ([]byte, error) {
	wrong := fault.New(fault.Config, "The master key does not open what is stored. Set the key that was in use before, or add it to the old keys.")
	if len(blob) < sealOverhead || blob[0] != sealVersion {
		return nil, wrong
	}
	id, sealed := blob[1:1+keyIDLength], blob[1+keyIDLength:]
	for _, k := range r.keys {
		if !bytes.Equal(k.id, id) {
			continue
		}
		plain, err := k.aead.Open(nil, nil, sealed, []byte(row))
		if err != nil {
			return nil, wrong
		}
		return plain, nil
	}
	return nil, wrong
}
