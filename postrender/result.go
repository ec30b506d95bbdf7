package postrender

import (
	"bytes"
	"errors"
	"io"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// Source is one input: a name for messages ("stdin", a file's name) and the
// rendered manifests.
type Source struct {
	Name string
	Data []byte
}

// Result is a stream that was processed: the sources and what changes in them.
type Result struct {
	Decisions []Decision // one for each Cluster, in the order of the stream; none with hot standby off
	Changes   []Change   // the objects that change, in the order of the stream

	sources []manifest.Source
	edits   [][]yamledit.Edit // of each source, in order
	changed [][]lines         // of each source, those of the objects that change
}

// Change is an object of the stream, and what takes its place: the object itself,
// changed, or others, or both.
type Change struct {
	From Ref
	To   []Ref
}

// Ref names an object. The namespace is empty where the stream leaves it out.
type Ref struct{ APIVersion, Kind, Namespace, Name string }

func newResult(sources []Source) *Result {
	r := &Result{edits: make([][]yamledit.Edit, len(sources)), changed: make([][]lines, len(sources))}
	for _, source := range sources {
		r.sources = append(r.sources, manifest.Source(source))
	}
	return r
}

// isEmpty is true where sources were given, and none has anything but blanks.
func (r *Result) isEmpty() bool {
	for _, source := range r.sources {
		if len(bytes.TrimSpace(source.Data)) > 0 {
			return false
		}
	}
	return len(r.sources) > 0
}

// add notes what becomes of an object.
func (r *Result) add(o *manifest.Object, change yamledit.Change) {
	c := Change{From: Ref{o.APIVersion, o.Kind, o.Namespace, o.Name}, To: []Ref{refTo(change.InPlace)}}
	for _, added := range change.Added {
		c.To = append(c.To, refTo(added.Tree))
	}
	r.Changes = append(r.Changes, c)
}

func refTo(tree *yaml.Node) Ref {
	ref := Ref{APIVersion: yamledit.Scalar(tree, "apiVersion"), Kind: yamledit.Scalar(tree, "kind")}
	ref.Namespace, _ = yamledit.StringAt(tree, "metadata.namespace")
	ref.Name, _ = yamledit.StringAt(tree, "metadata.name")
	return ref
}

// WriteTo writes the stream. Between two sources it writes the separator that
// keeps them from running into each other, where they do not bring one.
func (r *Result) WriteTo(w io.Writer) (int64, error) {
	var written int64
	write := func(p []byte) error {
		n, err := w.Write(p)
		written += int64(n)
		return err
	}
	for i, source := range r.sources {
		if i > 0 {
			if err := write(separatorBetween(r.sources[i-1].Data, source.Data)); err != nil {
				return written, err
			}
		}
		from := 0
		for _, e := range r.edits[i] {
			if err := errors.Join(write(source.Data[from:e.Start]), write([]byte(e.New))); err != nil {
				return written, err
			}
			from = e.End
		}
		if err := write(source.Data[from:]); err != nil {
			return written, err
		}
	}
	return written, nil
}

func separatorBetween(before, after []byte) []byte {
	var text []byte
	if len(before) > 0 && before[len(before)-1] != '\n' {
		text = append(text, '\n')
	}
	if len(before) > 0 && len(after) > 0 && !yamledit.BeginsWithSeparator(after) {
		text = append(text, "---\n"...)
	}
	return text
}
