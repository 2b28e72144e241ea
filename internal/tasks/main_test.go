package tasks_test

import (
	"context"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(victimVariable); path != "" {
		runVictim(context.Background(), path)
		return
	}
	goleak.VerifyTestMain(m)
}
