package core

import (
	"encoding/base32"
	"strings"

	"github.com/google/uuid"

	"github.com/trellis-ats/trellis/core/fault"
)

// ID is a TypeID: a prefix that tells the noun, an underscore, and a UUIDv7 in
// 26 characters of Crockford's base 32. It sorts by time, in Go and in both
// databases, and is the same string in GraphQL, REST, logs and the ATS.
type ID string

// Prefix tells which noun an ID names.
type Prefix string

// The prefixes.
const (
	PrefixOrganization Prefix = "org"
	PrefixConnection   Prefix = "con"
	PrefixPartnerKey   Prefix = "key"
	PrefixToken        Prefix = "tok"
	PrefixTest         Prefix = "tst"
	PrefixCandidate    Prefix = "cnd"
	PrefixAssessment   Prefix = "asm"
	PrefixResult       Prefix = "res"
	PrefixEvent        Prefix = "evt"
	PrefixSyncEntry    Prefix = "syn"
	PrefixJob          Prefix = "job"
	PrefixSession      Prefix = "ses"
	PrefixAuditEntry   Prefix = "aud"
	PrefixMapping      Prefix = "map"
	PrefixPush         Prefix = "psh"
	PrefixWebhook      Prefix = "whk"
	PrefixTrigger      Prefix = "trg"
	PrefixRule         Prefix = "rul"
	PrefixDecision     Prefix = "dec"
	PrefixDecisionStep Prefix = "dcs"
	PrefixIssue        Prefix = "iss"
	PrefixRateClaim    Prefix = "clm"
	PrefixLease        Prefix = "lea"
	PrefixErasure      Prefix = "ers"
)

const idLength = 26

// crockford writes 16 bytes in 26 characters whose order is that of the bytes.
func crockford() *base32.Encoding {
	return base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)
}

// NewID returns a new ID. It is safe for concurrent use.
func NewID(p Prefix) ID {
	u := uuid.Must(uuid.NewV7())
	return ID(string(p) + "_" + crockford().EncodeToString(u[:]))
}

// ParseID checks that text is an ID of the noun p.
// Errors: fault.NotFound, since an ID that cannot exist names nothing.
func ParseID(p Prefix, text string) (ID, error) {
	rest, ok := strings.CutPrefix(text, string(p)+"_")
	if !ok || len(rest) != idLength {
		return "", fault.New(fault.NotFound, "There is nothing with this id.")
	}
	if _, err := crockford().DecodeString(rest); err != nil {
		return "", fault.New(fault.NotFound, "There is nothing with this id.")
	}
	return ID(text), nil
}

// Prefix returns the part of the ID that tells the noun.
func (id ID) Prefix() Prefix {
	p, _, _ := strings.Cut(string(id), "_")
	return Prefix(p)
}
