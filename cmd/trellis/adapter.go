package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/trellis-ats/trellis/adapters/greenhouse"
	"github.com/trellis-ats/trellis/plugins/sdk"
)

// adapterCommand is a built-in adapter's process.
type adapterCommand struct {
	Name string `arg:"" help:"The adapter's name."`
}

// builtIn are the adapters that this binary brings along.
func builtIn() map[string]sdk.Factory {
	return map[string]sdk.Factory{"greenhouse": greenhouse.New}
}

func builtInNames() []string { return slices.Sorted(maps.Keys(builtIn())) }

// Run serves the adapter until its parent ends.
func (c *adapterCommand) Run(*program) error {
	factory, ok := builtIn()[c.Name]
	if !ok {
		return fmt.Errorf("there is no built-in adapter %q; there are %v", c.Name, builtInNames())
	}
	sdk.Serve(factory)
	return nil
}
