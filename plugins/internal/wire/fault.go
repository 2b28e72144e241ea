package wire

import (
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/trellis-ats/trellis/core/fault"
	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"
)

// Bounds of a fault: it travels in trailers, whose size is limited.
const (
	maxFaultText  = 4 << 10 // bytes
	maxFaultItems = 100
)

const codePrefix = "FAULT_CODE_"

// faultToProto leaves the cause behind. A code that the contract does not have
// becomes Internal.
func faultToProto(e *fault.Error) *atsv1.Fault {
	if e == nil {
		return nil
	}
	return &atsv1.Fault{
		Code: codeToProto(e.Code), Message: clip(e.Message), Source: clip(string(e.Source)),
		RetryAfter: duration(e.RetryAfter), Scope: clip(e.Scope), Kind: clip(e.Kind), Existing: clip(e.Existing),
		Fields: each(atMost(e.Fields, maxFaultItems), func(f fault.Field) *atsv1.FaultField {
			return &atsv1.FaultField{Path: clip(f.Path), Code: clip(f.Code), Message: clip(f.Message)}
		}),
		Missing: each(atMost(e.Missing, maxFaultItems), clip),
	}
}

// faultFromProto reads a code that this side does not know as Internal.
func faultFromProto(p *atsv1.Fault) *fault.Error {
	if p == nil {
		return nil
	}
	return &fault.Error{
		Code: codeFromProto(p.GetCode()), Message: p.GetMessage(), Source: fault.Source(p.GetSource()),
		RetryAfter: p.GetRetryAfter().AsDuration(), Scope: p.GetScope(), Kind: p.GetKind(), Existing: p.GetExisting(),
		Fields: each(p.GetFields(), func(f *atsv1.FaultField) fault.Field {
			return fault.Field{Path: f.GetPath(), Code: f.GetCode(), Message: f.GetMessage()}
		}),
		Missing: each(p.GetMissing(), clean),
	}
}

// codeToProto goes by name: the two lists have the same names.
func codeToProto(c fault.Code) atsv1.FaultCode {
	if n, ok := atsv1.FaultCode_value[codePrefix+string(c)]; ok && n != 0 {
		return atsv1.FaultCode(n)
	}
	return atsv1.FaultCode_FAULT_CODE_INTERNAL
}

func codeFromProto(c atsv1.FaultCode) fault.Code {
	name, ok := strings.CutPrefix(atsv1.FaultCode_name[int32(c)], codePrefix)
	if !ok || c == atsv1.FaultCode_FAULT_CODE_UNSPECIFIED {
		return fault.Internal
	}
	return fault.Code(name)
}

// toStatus puts e into a gRPC status, as a detail.
func toStatus(e *fault.Error) error {
	plain := status.New(grpcCode(e.Code), clip(e.Message))
	detailed, err := plain.WithDetails(faultToProto(e))
	if err != nil {
		return plain.Err()
	}
	return detailed.Err()
}

// faultIn returns the fault that a status carries, or nil.
func faultIn(s *status.Status) *fault.Error {
	for _, d := range s.Details() {
		if p, ok := d.(*atsv1.Fault); ok {
			return faultFromProto(p)
		}
	}
	return nil
}

// grpcCode is for onlookers (traces, other languages); our own peers read the detail.
func grpcCode(c fault.Code) codes.Code {
	switch c {
	case fault.Invalid, fault.TooLarge:
		return codes.InvalidArgument
	case fault.NotFound:
		return codes.NotFound
	case fault.Conflict:
		return codes.FailedPrecondition
	case fault.Unauthenticated:
		return codes.Unauthenticated
	case fault.Forbidden, fault.Auth, fault.Permission:
		return codes.PermissionDenied
	case fault.Retryable, fault.RateLimited:
		return codes.Aborted
	case fault.OutcomeUnknown:
		return codes.Unknown
	case fault.Unsupported:
		return codes.Unimplemented
	case fault.Config:
		return codes.FailedPrecondition
	default:
		return codes.Internal
	}
}

func clip(s string) string {
	if len(s) > maxFaultText {
		s = s[:maxFaultText]
	}
	return clean(s)
}

func atMost[T any](list []T, n int) []T { return list[:min(len(list), n)] }
