package cli

import (
	"bufio"
	"bytes"
	"errors"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// mayBeResourceList looks at the beginning of a stream, where every writer of
// ResourceLists has its apiVersion or its kind: generous, because the stream is
// read then.
func mayBeResourceList(stream *bufio.Reader) bool {
	head, _ := stream.Peek(stream.Size()) // an error comes again with the reading
	return bytes.Contains(head, []byte("config.kubernetes.io/")) || bytes.Contains(head, []byte("ResourceList"))
}

// function is cnpg-pair as a KRM function. As kyaml's framework does, it answers
// an error with the list too: with the objects as they came, and what is wrong
// in the results, which kpt shows. kustomize shows standard error only.
func (f filter) function(p *Process, list *postrender.ResourceList) error {
	var warnings []error
	warn := func(err error) {
		warnings = append(warnings, err)
		p.Warn(err)
	}
	answer := list.Source.Data
	rendered, err := f.renderList(p, list, warn)
	if err == nil {
		answer = rendered
	}
	answer, failed := list.WithResults(answer, warnings, err)
	if failed == nil {
		_, failed = p.Stdout.Write(answer)
	}
	return errors.Join(err, failed)
}

// renderList returns the list with pairs in it.
func (f filter) renderList(p *Process, list *postrender.ResourceList, warn func(error)) ([]byte, error) {
	own, err := list.Settings()
	if err != nil {
		return nil, err
	}
	cfg, err := f.settings.config(func(variable string) string {
		if value, ok := own[variable]; ok {
			return value
		}
		return p.Getenv(variable)
	})
	if err != nil {
		return nil, &postrender.Error{Source: list.Source.Name, Err: err, Cure: postrender.Hint(err)}
	}
	result, err := (&postrender.Renderer{Config: cfg, Warn: warn}).Render(list.Source)
	if err != nil {
		return nil, err
	}
	var rendered bytes.Buffer
	result.WriteTo(&rendered) // a buffer takes everything
	return rendered.Bytes(), nil
}
