//go:build unix

package host

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the process into a group of its own: an interrupt at the
// terminal is for the host, which stops its adapters in order.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup ends the process and its descendants.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
