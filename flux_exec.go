//go:build !flux

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// runFlux runs cnpg-pair-flux, which is this program built with the tag flux: it
// links kustomize, whose start-up every helm call would pay for.
func runFlux(_ options, _ func(error), stdin *os.File, out io.Writer) error {
	const name = "cnpg-pair-flux"
	program := ""
	if self, err := os.Executable(); err == nil {
		program, _ = exec.LookPath(filepath.Join(filepath.Dir(self), name))
	}
	if program == "" {
		var err error
		if program, err = exec.LookPath(name); err != nil {
			return &usageError{
				fmt.Errorf("the program %s, which does this, is neither beside cnpg-pair nor on PATH", name),
				"make build makes both; or go build -tags flux -o " + name + " .",
			}
		}
	}
	cmd := exec.Command(program, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, out, os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exitStatus(exit.ExitCode())
	}
	return err
}
