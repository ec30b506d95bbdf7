// Package yamledit changes YAML documents in place: [Split] finds the documents of
// a stream, [Parse] returns the tree of one, and [Document.Rewrite] the smallest
// edits after which its text gives another tree.
//
// Goals: every byte that need not change is copied, so that comments, order,
// quotes, anchors and line breaks survive. Every result is parsed again and
// compared with the tree that was wanted before it is returned. Every error names a
// line of the stream. A round trip through a YAML library cannot do that: it alters
// folded scalars (yaml/go-yaml 337), and loses blank lines and the positions of most
// comments.
//
// Non-goals: streams as a whole (the caller collects the edits of several
// documents), schemas, and the meaning of objects.
//
// The trees are plain: there are no aliases, merge keys or comments in them, each
// key of a mapping is there once, and Line is the line of the stream. The functions
// of this package read and build them, by dotted paths ("spec.affinity"): a key with
// a dot in it cannot be part of a path. A tree that is given to this package is not
// changed by it, except by Set, Remove, MakeMapping and Append.
package yamledit

// Error is a place in a document that is not as it must be.
type Error struct {
	Path string // as in "spec.affinity"; empty for the document as a whole
	Line int    // in the stream, from 1
	Err  error  // the cause
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Err.Error()
	}
	return e.Path + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }
