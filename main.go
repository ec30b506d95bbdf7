// Command cnpg-pair is a Helm post-renderer that turns every single
// CloudNativePG Cluster of the manifests that it reads into a primary and a
// replica in two regions. The library beside it, postrender, does the work.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

func main() {
	signal.Ignore(syscall.SIGPIPE) // a reader that has gone is an error like any other
	os.Exit(run(os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program: its result is the exit status.
func run(args []string, getenv func(string) string, stdin, stdout *os.File, stderr io.Writer) int {
	out := bufio.NewWriterSize(stdout, 1<<16)
	status := 2
	opts, err := parseOptions(args, getenv)
	if err == nil {
		status = 1
		warn := func(err error) { report(stderr, "warning", err) }
		err = execute(opts, warn, stdin, out, term.IsTerminal(int(stdout.Fd())))
		err = finish(err, out, stdout)
	}
	var exit exitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return int(exit) // and it has said why
	case opts.command == "" && isHelm4(getenv):
		if _, err := io.WriteString(stdout, refusal(err)); err == nil {
			status = 0
		}
	}
	var misused *usageError
	if status == 1 && errors.As(err, &misused) {
		status = 2
	}
	for _, err := range postrender.Errors(err) {
		report(stderr, "error", err)
	}
	return status
}

func execute(opts options, warn func(error), stdin *os.File, out io.Writer, terminal bool) error {
	switch {
	case opts.help:
		_, err := io.WriteString(out, usage)
		return err
	case opts.version:
		_, err := fmt.Fprintln(out, version())
		return err
	}
	if opts.command == "flux" {
		return runFlux(opts, warn, stdin, out)
	}
	renderer := &postrender.Renderer{Config: opts.config, Warn: warn}
	sources, err := passThroughOrRead(opts, renderer, stdin, out)
	if err != nil || sources == nil {
		return err
	}
	if list, err := resourceList(opts, sources); err != nil || list != nil {
		if err != nil {
			return err
		}
		return runFunction(opts, list, warn, out)
	}
	if opts.command == "explain" {
		decisions, err := renderer.Explain(sources...)
		switch {
		case err != nil:
			return err
		case opts.output == "json":
			return postrender.WriteJSON(out, decisions)
		}
		return postrender.WriteTable(out, decisions)
	}
	result, err := renderer.Render(sources...)
	switch {
	case err != nil:
		return err
	case opts.command == "diff":
		return result.WriteDiff(out, terminal && !opts.noColour)
	}
	_, err = result.WriteTo(out)
	return err
}
