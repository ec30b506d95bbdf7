//go:build flux

package main

import (
	"errors"
	"io"
	"os"

	"github.com/openova-io/helm-cnpg-pair/flux"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// runFlux prints the postRenderers for a HelmRelease, or the whole of it.
func runFlux(opts options, warn func(error), stdin *os.File, out io.Writer) error {
	generator := &flux.Generator{Config: opts.config, Substitute: opts.substitute, Warn: warn}
	var release *postrender.Source
	if opts.helmRelease != "" {
		files, err := readSources([]string{opts.helmRelease}, stdin)
		if err != nil {
			return err
		}
		release = &files[0]
	}
	manifests, err := readSources(opts.files, stdin)
	if err != nil {
		return err
	}
	if opts.check {
		return generator.Check(*release, manifests...)
	}
	var text []byte
	if release != nil && !opts.patch {
		text, err = generator.HelmRelease(*release, manifests...)
	} else {
		generator.Config.Strict = true // there is nothing to fall back to
		text, err = fragment(generator, opts.patch, release, manifests)
	}
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

// fragment returns the entries as text, or a patch with them.
func fragment(generator *flux.Generator, patch bool, release *postrender.Source, manifests []postrender.Source) (text []byte, err error) {
	if patch {
		text, err = generator.Patch(release, manifests...)
	} else {
		var entries []flux.PostRenderer
		if entries, err = generator.PostRenderers(manifests...); len(entries) > 0 {
			text = flux.Fragment(entries)
		}
	}
	if err == nil && text == nil {
		err = &postrender.Error{
			Source: "flux", Err: errors.New("hot standby is off, so there is nothing to print"),
			Cure: "switch it on (" + postrender.EnvEnableHotStandby + "), or let Flux do that: --substitute",
		}
	}
	return text, err
}
