// Package yamledit changes YAML documents in place: it makes the text of a
// document hold another tree by the smallest edits, and copies every byte that
// need not change.
//
// Goals: comments, order, quotes, anchors and line breaks survive; a result is
// parsed again and compared with the tree that was wanted before anybody sees it;
// every error says in which line of the stream it is. A round trip through a YAML
// library cannot do that: it alters folded scalars (yaml/go-yaml 337), and loses
// blank lines and most positions of comments.
//
// Non-goals: streams as a whole (Split finds the documents, the caller puts the
// edits of several together), schemas, and what the objects mean.
//
// Trees are plain: nodes without aliases, merge keys and comments, in which every
// mapping has each key once, and Line is the line of the stream. Read and build
// them with the functions of this package, by dotted paths ("spec.affinity").
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
