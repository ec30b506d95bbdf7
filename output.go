package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// finish writes what is left of the output. err is what went wrong before; a
// failure to write is told in its stead, in one way for all systems.
func finish(err error, out *bufio.Writer, stdout *os.File) error {
	failed := out.Flush() // also an earlier failure
	switch {
	case failed != nil:
		var cause *fs.PathError
		if errors.As(failed, &cause) {
			failed = cause.Err
		}
		return fmt.Errorf("write the output: %w", failed)
	case err == nil && closed(stdout):
		return errors.New("write the output: standard output is closed")
	}
	return err
}

// exitStatus is that of a program that was run in our stead.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// report prints a line for a person: the severity, what is wrong, and below it
// the cure, if there is one.
func report(w io.Writer, severity string, err error) {
	fmt.Fprintf(w, "cnpg-pair: %s: %s\n", severity, oneLine(err.Error()))
	if hint := postrender.Hint(err); hint != "" {
		fmt.Fprintf(w, "cnpg-pair: hint: %s\n", oneLine(hint))
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
