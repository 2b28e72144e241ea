package wire_test

import (
	"fmt"
	"testing"

	"go.uber.org/goleak"

	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"

	"github.com/trellis-ats/trellis/plugins/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMajorIsThatOfTheProtobufPackage(t *testing.T) {
	t.Parallel()
	got := string(atsv1.File_ats_v1_adapter_proto.Package())
	if want := fmt.Sprintf("trellis.ats.v%d", wire.Major); got != want {
		t.Errorf("protobuf package is %s, want %s", got, want)
	}
	if wire.Handshake().ProtocolVersion != wire.Major {
		t.Errorf("handshake has version %d, want %d", wire.Handshake().ProtocolVersion, wire.Major)
	}
}
