package main

import (
	"errors"
	"fmt"

	"github.com/trellis-ats/trellis/internal/app"
	"github.com/trellis-ats/trellis/internal/config"
)

// doctorCommand looks at everything that a server needs.
type doctorCommand struct{ config.Config }

// Run prints a line a finding, and fails if one of them keeps the server from working.
func (c *doctorCommand) Run(p *program) error {
	c.LogLevel = "error"
	o, err := p.options(c.Config, false)
	if err != nil {
		return err
	}
	sick := false
	for _, f := range app.Examine(p.ctx, o) {
		mark := "ok  "
		switch {
		case f.Problem != "" && f.Fatal:
			mark, sick = "FAIL", true
		case f.Problem != "":
			mark = "warn"
		}
		if _, err := fmt.Fprintf(p.out, "%s  %-12s %s\n", mark, f.What, f.Text()); err != nil {
			return err
		}
	}
	if sick {
		return errors.New("the server cannot work like this; mend what failed above")
	}
	return nil
}
