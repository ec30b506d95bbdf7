package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// mayBeResourceList looks at the beginning of a stream, where every writer of
// ResourceLists has its apiVersion or its kind: generous, because what follows is
// then held and read.
func mayBeResourceList(stream *bufio.Reader) bool {
	head, _ := stream.Peek(stream.Size()) // an error comes again with the reading
	return bytes.Contains(head, []byte("config.kubernetes.io/")) || bytes.Contains(head, []byte("ResourceList"))
}

// resourceList returns the ResourceList that standard input is for a KRM
// function, nil where this is a post-renderer or another command.
func resourceList(opts options, sources []postrender.Source) (*postrender.ResourceList, error) {
	if opts.command != "" || len(sources) != 1 {
		return nil, nil
	}
	return postrender.ReadResourceList(sources[0])
}

// runFunction is cnpg-pair as a KRM function. As kyaml's framework does, it
// answers an error with the list too: with the objects as they came, and what is
// wrong in the results, which kpt shows. kustomize shows standard error only.
func runFunction(opts options, list *postrender.ResourceList, warn func(error), out io.Writer) error {
	var warnings []error
	text := list.Source.Data
	err := func() error {
		settings, err := list.Settings()
		if err != nil {
			return err
		}
		opts, err = opts.with(settings)
		var misused *usageError
		if errors.As(err, &misused) {
			// not in the command line, whose exit status is another
			return &postrender.Error{Source: list.Source.Name, Err: misused.err, Cure: misused.hint}
		}
		renderer := &postrender.Renderer{Config: opts.config, Warn: func(err error) {
			warnings = append(warnings, err)
			warn(err)
		}}
		result, err := renderer.Render(list.Source)
		if err != nil {
			return err
		}
		var rendered bytes.Buffer
		result.WriteTo(&rendered) // a buffer takes everything
		text = rendered.Bytes()
		return nil
	}()
	text, failed := list.WithResults(text, warnings, err)
	if failed == nil {
		_, failed = out.Write(text)
	}
	return errors.Join(err, failed)
}
