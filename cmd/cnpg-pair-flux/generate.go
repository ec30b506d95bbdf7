package main

import (
	"github.com/openova-io/helm-cnpg-pair/flux"
	"github.com/openova-io/helm-cnpg-pair/internal/cli"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// generate prints the postRenderers for a HelmRelease, or the whole of it.
func generate(p *cli.Process, f cli.Flux) error {
	generator := &flux.Generator{Config: f.Config, Substitute: f.Substitute, Warn: p.Warn}
	var release *postrender.Source
	if f.HelmRelease != "" {
		files, err := p.Read(f.HelmRelease)
		if err != nil {
			return err
		}
		release = &files[0]
	}
	manifests, err := p.Read(f.Files...)
	if err != nil {
		return err
	}
	var text []byte
	switch {
	case f.Check:
		return generator.Check(*release, manifests...)
	case release != nil && !f.Patch:
		text, err = generator.HelmRelease(*release, manifests...)
	default:
		generator.Config.Strict = true // there is nothing to fall back to
		text, err = fragment(generator, f.Patch, release, manifests)
	}
	if err != nil {
		return err
	}
	_, err = p.Stdout.Write(text)
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
		err = message.New(message.FluxNothing)
	}
	return text, err
}
