package wire_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// filled returns a T in which every field, however deep, has a value of its
// own that is not its zero value. It fails the test on a kind it cannot fill,
// so that a new kind of field is noticed.
func filled[T any](t *testing.T) *T {
	t.Helper()
	out := new(T)
	f := filler{t: t}
	f.fill(reflect.ValueOf(out).Elem(), "")
	return out
}

type filler struct {
	t *testing.T
	n int
}

func (f *filler) fill(v reflect.Value, path string) {
	f.n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 1000*f.n, time.UTC)))
		return
	case fault.Code:
		v.SetString(string(fault.Conflict))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("%s-%d-ä", path, f.n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(f.n))
	case reflect.Float64:
		v.SetFloat(float64(f.n) + 0.25)
	case reflect.Uint8:
		v.SetUint(uint64(f.n%255) + 1)
	default:
		f.fillComposite(v, path)
	}
}

func (f *filler) fillComposite(v reflect.Value, path string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.Name != "Cause" {
				f.fill(v.Field(i), field.Name)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), path)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		f.fill(v.Index(0), path)
		f.fill(v.Index(1), path)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key, path)
		f.fill(value, path)
		v.SetMapIndex(key, value)
	default:
		f.t.Fatalf("%s is a %s, which the test cannot fill", path, v.Kind())
	}
}

// commands and outcomes list every type of the two sums; the tests compare the
// number with the oneofs, so that a new one is not forgotten here.
func commands(t *testing.T) []ats.Command {
	t.Helper()
	return []ats.Command{
		filled[ats.ListTests](t), filled[ats.PlaceOrder](t), filled[ats.ReadStatus](t),
		filled[ats.RecordError](t), filled[ats.ReadReport](t),
	}
}

func outcomes(t *testing.T) []ats.Outcome {
	t.Helper()
	return []ats.Outcome{
		filled[ats.TestList](t), filled[ats.OrderPlaced](t), filled[ats.Status](t),
		filled[ats.ErrorRecorded](t), filled[ats.ReportLink](t), filled[ats.Refused](t),
	}
}

func faultCodes() []fault.Code {
	return []fault.Code{
		fault.Internal, fault.Invalid, fault.NotFound, fault.Conflict, fault.Unauthenticated, fault.Forbidden,
		fault.TooLarge, fault.Retryable, fault.RateLimited, fault.OutcomeUnknown, fault.Auth, fault.Permission,
		fault.Unsupported, fault.Config, fault.Upstream,
	}
}
