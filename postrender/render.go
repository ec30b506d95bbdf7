package postrender

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Renderer turns the single Clusters of rendered manifests into pairs. It is a
// Helm post-renderer: Run has the shape that helm.sh/helm/v3/pkg/postrender and
// helm.sh/helm/v4/pkg/postrenderer ask for.
type Renderer struct {
	Config Config

	// Warn, where set, is told why a trio that is switched on makes no pairs,
	// and which Clusters cannot be paired: a [*TrioError] or an [*Error]. It is
	// not called when the stream fails.
	Warn func(error)
}

// New returns a Renderer with these settings.
func New(cfg Config) *Renderer { return &Renderer{Config: cfg} }

// Run takes the rendered manifests and returns them with every single Cluster
// turned into a pair, as section 3 of the contract says. With the trio off, and the
// primary active, the result holds the same bytes. On an error the result is nil; the errors are
// those of [Renderer.Render].
func (r *Renderer) Run(rendered *bytes.Buffer) (*bytes.Buffer, error) {
	result, err := r.Render(Source{Name: "stdin", Data: rendered.Bytes()})
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.Grow(rendered.Len() + rendered.Len()/8)
	result.WriteTo(&out) // a buffer takes everything
	return &out, nil
}

// Filter is Run for a reader and a writer. Nothing is written unless the whole
// stream could be processed.
func (r *Renderer) Filter(w io.Writer, rendered io.Reader) error {
	data, err := io.ReadAll(rendered)
	if err != nil {
		return err
	}
	result, err := r.Render(Source{Name: "stdin", Data: data})
	if err != nil {
		return err
	}
	_, err = result.WriteTo(w)
	return err
}

// Render processes the sources as one stream, in which names meet. Its errors
// are a [*SettingError], a [*TrioError] unless the Config may degrade, and one or
// several [*Error]; see [Errors].
func (r *Renderer) Render(sources ...Source) (*Result, error) {
	if err := r.Config.Validate(); err != nil {
		return nil, err
	}
	result := newResult(sources)
	on, err := r.Config.Check()
	if err != nil && !r.Config.MayDegrade() {
		return nil, err
	}
	if err != nil && r.Warn != nil {
		r.Warn(err)
	}
	if !on {
		return result, nil
	}
	stream, malformed := readStream(sources)
	decisions, refused := r.judge(stream)
	changes, failed := stream.changes(r.Config.normal())
	failed = errors.Join(failed, result.rewrite(stream.documents, changes))
	if err := inOrder(sources, malformed, refused, failed); err != nil {
		return nil, err
	}
	result.Decisions = decisions
	for _, doc := range stream.documents {
		for _, object := range doc.objects() {
			if c, ok := changes[object]; ok {
				to := []Ref{refTo(c.inPlace)}
				for _, tree := range c.behind {
					to = append(to, refTo(tree))
				}
				result.Changes = append(result.Changes, Change{refTo(object), to})
			}
		}
	}
	for _, c := range stream.candidates {
		if c.decision.Action == CannotBePaired && r.Warn != nil {
			r.Warn(c.cannotBePaired())
		}
	}
	return result, nil
}

// Explain tells for every Cluster of the sources what Render does with it,
// also when the trio is off or not valid. Its errors are those of Render, because
// it makes the pairs too; but it reads the Clusters, which must be well-formed,
// whatever the trio says.
func (r *Renderer) Explain(sources ...Source) ([]Decision, error) {
	stream, malformed := readStream(sources)
	decisions, refused := r.judge(stream)
	changes, failed := stream.changes(r.Config.normal())
	failed = errors.Join(failed, newResult(sources).rewrite(stream.documents, changes))
	if err := inOrder(sources, malformed, refused, failed); err != nil {
		return nil, err
	}
	for i, c := range stream.candidates {
		if decisions[i].Action == Paired {
			decisions[i].Plan = c.plan(r.Config.normal(), changes[c.tree])
		}
	}
	return decisions, nil
}

// changes returns what becomes of the objects of a stream that was judged.
func (s *stream) changes(cfg Config) (map[*yaml.Node]change, error) {
	changes := make(map[*yaml.Node]change)
	var failed []error
	for _, c := range s.candidates {
		if c.failed || c.decision.Action != Paired {
			continue
		}
		change, err := c.change(cfg)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		changes[c.tree] = change
	}
	failed = append(failed, s.policyChanges(cfg, changes))
	s.placeNew(changes)
	return changes, errors.Join(failed...)
}

// inOrder joins errors in the order of the places that they name.
func inOrder(sources []Source, errs ...error) error {
	all := Errors(errors.Join(errs...))
	place := func(err error) (source, line int) {
		var at *Error
		if errors.As(err, &at) {
			source = slices.IndexFunc(sources, func(s Source) bool { return s.Name == at.Source })
			line = at.Line
		}
		return source, line
	}
	slices.SortStableFunc(all, func(a, b error) int {
		sourceA, lineA := place(a)
		sourceB, lineB := place(b)
		return cmp.Or(sourceA-sourceB, lineA-lineB)
	})
	return errors.Join(all...)
}

// judge decides what happens to each Cluster of a stream. What would be a
// warning is an error with Strict, and while another half than the primary is
// active: a Cluster that stayed single would be a second writable one, with old
// data.
func (r *Renderer) judge(s *stream) ([]Decision, error) {
	if err := r.Config.Validate(); err != nil {
		return nil, err
	}
	on, trio := r.Config.Check()
	if trio != nil && !r.Config.MayDegrade() {
		return nil, trio
	}
	if on {
		if err := decide(r.Config.normal(), s); err != nil {
			return nil, err
		}
	}
	var decisions []Decision
	var refused []error
	for _, c := range s.candidates {
		switch {
		case trio != nil:
			c.decision.Action, c.decision.Reason = LeftAlone, trio.Error()
		case !on:
			c.decision.Action, c.decision.Reason = LeftAlone, "hot standby is off"
		case c.decision.Action == CannotBePaired:
			refused = append(refused, c.cannotBePaired())
		}
		decisions = append(decisions, c.decision)
	}
	if (r.Config.Strict || r.Config.normal().Active != ActivePrimary) && len(refused) > 0 {
		return nil, errors.Join(refused...)
	}
	return decisions, nil
}

// Result is a stream that was processed: the sources and what changes in them.
type Result struct {
	Decisions []Decision // one for each Cluster, in the order of the stream; none with the trio off
	Changes   []Change   // the objects that change, in the order of the stream

	sources []Source
	edits   [][]edit // of each source, in order
}

// Change is an object of the stream, and what stands in its place: it, changed,
// or others, or both.
type Change struct {
	From Ref
	To   []Ref
}

// Ref names an object. The namespace is empty where the stream leaves it out.
type Ref struct{ APIVersion, Kind, Namespace, Name string }

func refTo(tree *yaml.Node) Ref {
	ref := Ref{APIVersion: scalar(tree, "apiVersion"), Kind: scalar(tree, "kind")}
	ref.Namespace, _ = stringAt(tree, "metadata.namespace")
	ref.Name, _ = stringAt(tree, "metadata.name")
	return ref
}

func newResult(sources []Source) *Result {
	return &Result{sources: sources, edits: make([][]edit, len(sources))}
}

// WriteTo writes the stream. Between two sources it puts the separator that
// one of them must bring for them not to run into each other.
func (r *Result) WriteTo(w io.Writer) (int64, error) {
	var written int64
	write := func(p []byte) error {
		n, err := w.Write(p)
		written += int64(n)
		return err
	}
	for i, source := range r.sources {
		if i > 0 {
			if err := write(glue(r.sources[i-1].Data, source.Data)); err != nil {
				return written, err
			}
		}
		from := 0
		for _, e := range r.edits[i] {
			for _, part := range [][]byte{source.Data[from:e.start], []byte(e.text)} {
				if err := write(part); err != nil {
					return written, err
				}
			}
			from = e.end
		}
		if err := write(source.Data[from:]); err != nil {
			return written, err
		}
	}
	return written, nil
}

// glue returns what must stand between two sources.
func glue(before, after []byte) []byte {
	var text []byte
	if len(before) > 0 && before[len(before)-1] != '\n' {
		text = append(text, '\n')
	}
	if len(before) > 0 && len(after) > 0 && separator(bytes.TrimPrefix(after, byteOrderMark)) == 0 {
		text = append(text, "---\n"...)
	}
	return text
}
