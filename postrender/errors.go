package postrender

import (
	"errors"
	"fmt"
	"strings"
)

// Error is what [Renderer] returns for a stream that it cannot process: where
// in the stream, which object, what is wrong, and the cure if there is one.
// Several of them come joined, as by [errors.Join].
type Error struct {
	Source string // the name of the file, or "stdin"
	Line   int    // the line in the source, counted from 1; 0 if it concerns none
	Object string // "Cluster NAMESPACE/NAME", or empty
	Err    error  // the cause
	Cure   string // what to do about it, or empty
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

// Hint returns the cure.
func (e *Error) Hint() string { return e.Cure }

// Errors returns the single errors that err is made of.
func Errors(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range joined.Unwrap() {
			all = append(all, Errors(one)...)
		}
		return all
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// Hint returns the cure that err carries, or nothing: any error with a method
// Hint may carry one.
func Hint(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}
