package postrender

import (
	"errors"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Object is an object of a file that people keep: it can be changed in place,
// every other line of the file staying as it is.
type Object struct {
	doc *document
}

// Objects returns the objects of a source, one for each document that holds a
// mapping; a List is one object. Its errors are [*Error], for documents that do
// not parse.
func Objects(source Source) ([]*Object, error) {
	var objects []*Object
	var failed []error
	for _, p := range split(source.Data) {
		d, err := parse(&source, p)
		failed = append(failed, err)
		if err == nil && d.tree != nil && d.tree.Kind == yaml.MappingNode {
			objects = append(objects, &Object{d})
		}
	}
	return objects, errors.Join(failed...)
}

// Field returns the scalar at a dotted path, "metadata.name", or nothing.
func (o *Object) Field(path string) string {
	value, _ := stringAt(o.doc.tree, path)
	return value
}

// Source is the name of the file that holds the object.
func (o *Object) Source() string { return o.doc.source.Name }

// Line is the line at which the object begins.
func (o *Object) Line() int { return o.doc.streamLine(o.doc.tree.Line) }

// Decode reads the value at a dotted path into a Go value, which stays as it is
// where there is none. Its errors are [*Error].
func (o *Object) Decode(path string, into any) error {
	n, err := at(o.doc.tree, path)
	if err == nil && n != nil {
		if err = n.Decode(into); err != nil {
			err = &fieldError{path: path, line: n.Line, err: errors.New("it does not have the shape that it must have")}
		}
	}
	if err != nil {
		return o.fail(err)
	}
	return nil
}

// Set returns the text of the source in which the object has another value at a
// dotted path, or, for nil, none. The result has been read back and holds just
// that. Its errors are [*Error].
func (o *Object) Set(path string, value any) ([]byte, error) {
	if _, err := at(o.doc.tree, path); err != nil {
		return nil, o.fail(err)
	}
	want := clone(o.doc.tree)
	parent, key := want, path
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		parent, key = makeAt(want, path[:i], yaml.MappingNode), path[i+1:]
	}
	if value == nil {
		remove(parent, key)
	} else {
		var n yaml.Node
		if err := n.Encode(value); err != nil {
			return nil, o.fail(err)
		}
		set(parent, key, &n)
	}
	l := newLayout(o.doc.text, o.doc.root)
	edits := o.doc.rewritten(l, want)
	if !holds(apply(o.doc.text, 0, len(o.doc.text), edits), want) {
		from, to := l.extent(o.doc.root)
		edits = []edit{{from, to, l.anew(o.doc.root, want)}}
		if !holds(apply(o.doc.text, 0, len(o.doc.text), edits), want) {
			return nil, o.fail(errNotWritten)
		}
	}
	data := o.doc.source.Data
	return apply(data, 0, len(data), o.doc.inSource(edits)), nil
}

func (o *Object) fail(err error) *Error {
	e := o.doc.locate(err)
	if e.Line == o.doc.line {
		e.Line = o.Line()
	}
	e.Object = o.Title()
	e.Cure = ""
	return e
}

// Title names the object in messages, as in "HelmRelease blog/wordpress".
func (o *Object) Title() string {
	title := o.Field("kind")
	if name := o.Field("metadata.name"); name != "" {
		title += " "
		if namespace := o.Field("metadata.namespace"); namespace != "" {
			title += namespace + "/"
		}
		title += name
	}
	return title
}
