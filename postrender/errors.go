package postrender

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// Error says why a stream cannot be processed: where in the stream, about which
// object, and what is wrong. Several of them come joined, as by [errors.Join], in
// the order of the stream.
type Error struct {
	Source string // the name of the file, or "stdin"
	Line   int    // the line in the source, counted from 1; 0 if no line applies
	Object string // as in "Cluster NAMESPACE/NAME", or empty
	Err    error  // the cause

	hint string
}

// Error gives one line: source, line, object and cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Source)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(": ")
	if e.Object != "" {
		b.WriteString(e.Object + ": ")
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do about it, or nothing.
func (e *Error) Hint() string { return cmp.Or(e.hint, message.Hint(e.Err)) }

// errorAbout says what is wrong with an object.
func errorAbout(o *manifest.Object, err error) *Error {
	e := &Error{Source: o.Source.Name, Line: o.Line, Object: o.Title(), Err: err}
	var at *yamledit.Error
	if !errors.As(err, &at) {
		return e
	}
	e.Line = max(e.Line, at.Line)
	if at.Path != "" && message.Hint(err) == "" { // a shape: kubectl knows the right one
		path := regexp.MustCompile(`\[\d+\]`).ReplaceAllString(at.Path, "")
		kind := strings.ToLower(o.Kind)
		e.hint = message.New(message.ShapeOfField, "kind", kind, "path", path).Hint()
		if o.Group() != manifest.Group {
			e.hint = message.New(message.ShapeOfSpec, "kind", kind).Hint()
		}
	}
	return e
}

// inOrder joins errors in the order of the places that they name.
func inOrder(sources []Source, errs []error) error {
	place := func(err error) (source, line int) {
		var at *Error
		if errors.As(err, &at) {
			source = slices.IndexFunc(sources, func(s Source) bool { return s.Name == at.Source })
			line = at.Line
		}
		return source, line
	}
	slices.SortStableFunc(errs, func(a, b error) int {
		sourceA, lineA := place(a)
		sourceB, lineB := place(b)
		return cmp.Or(sourceA-sourceB, lineA-lineB)
	})
	return errors.Join(errs...)
}
