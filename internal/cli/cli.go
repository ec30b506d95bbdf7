// Package cli is the command line of cnpg-pair: one file per command, each with
// its own flags and its own help.
//
// Goals: parsing the command line has no effects and decides all that it can;
// nothing is written unless the whole input could be processed; every error is
// a message of package message.
//
// Non-goals: it decides nothing about Clusters (see postrender), and links nothing
// that is slow to start (see cmd/cnpg-pair-flux).
package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"golang.org/x/term"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// Main is the whole program: it returns the exit status. release is the version
// of a released program, and flux does the work of the command flux.
func Main(release string, flux func(*Process, Flux) error) int {
	debug.SetGCPercent(50)         // memory is scarce where Helm runs, and most streams end before the first collection
	signal.Ignore(syscall.SIGPIPE) // a reader that has gone is an error like any other
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	p := &Process{
		Args: os.Args[1:], Getenv: os.Getenv, Environ: os.Environ(), Stdin: os.Stdin, Stdout: out, Stderr: os.Stderr,
		terminal: term.IsTerminal(int(os.Stdout.Fd())), release: release, flux: flux,
	}
	err := p.run()
	if failed := out.Flush(); failed != nil { // also an earlier failure
		err = message.Wrap(message.Write, cause(failed))
	} else if err == nil && closed(os.Stdout) {
		err = message.New(message.StdoutClosed)
	}
	return p.exit(err, os.Stdout)
}

// Process is what a command works with.
type Process struct {
	Args    []string
	Getenv  func(string) string
	Environ []string // all of it, as os.Environ gives it
	Stdin   *os.File
	Stdout  io.Writer
	Stderr  io.Writer

	terminal bool // stdout is one
	warned   int  // how many warnings there were
	release  string
	flux     func(*Process, Flux) error
}

func (p *Process) run() error {
	chosen, err := parse(p.Args, p.Getenv, p.Environ)
	if err != nil {
		var all []error
		for _, one := range message.Split(err) {
			all = append(all, misuse(one))
		}
		return errors.Join(all...)
	}
	return chosen.run(p)
}

// Warn prints a warning.
func (p *Process) Warn(err error) {
	if p.warned++; p.warned <= mostMessages {
		report(p.Stderr, "warning", err)
	}
}

// exit reports the error, and returns the exit status.
func (p *Process) exit(err error, stdout io.Writer) int {
	more(p.Stderr, "warning", p.warned)
	var status exitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status) // and that program has said why
	}
	var text strings.Builder
	all := message.Split(err)
	for _, one := range all[:min(len(all), mostMessages)] {
		report(&text, "error", one)
	}
	more(&text, "error", len(all))
	io.WriteString(p.Stderr, text.String())
	if isHelm4(p.Getenv) {
		if _, failed := io.WriteString(stdout, refusal(text.String())); failed == nil {
			return 0
		}
	}
	var misused *usageError
	var failed *failure
	switch {
	case errors.As(err, &misused):
		return 2
	case errors.As(err, &failed):
		return failed.status
	}
	return 1
}

// exitStatus is that of a program that ran instead of this one.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// usageError is a mistake in the command line.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func misuse(err error) error { return &usageError{err} }

// report prints a line for a person, and below it the hint, if there is one. Why
// hot standby is on but makes no pairs is one line with the hint in it: logs show
// it once a release.
func report(w io.Writer, severity string, err error) {
	text, hint := screen(err.Error()), screen(message.Hint(err))
	var setting *postrender.ConfigError
	if severity == "warning" && errors.As(err, &setting) {
		text, hint = text+": "+hint, ""
	}
	fmt.Fprintf(w, "cnpg-pair: %s: %s\n", severity, text)
	if hint != "" {
		fmt.Fprintf(w, "cnpg-pair: hint: %s\n", hint)
	}
}
