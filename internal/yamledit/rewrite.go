package yamledit

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
)

// Change says what becomes of a node of a tree.
type Change struct {
	InPlace *yaml.Node   // takes its place
	Added   []Added      // follow it, as documents, or as items of its sequence
	Before  []*yaml.Node // precede it, as items of its sequence

	// Spell, if set, returns the edits of the text of a scalar, as it is written, by
	// which the text gets the value of InPlace. Where it does not get that by them, the
	// scalar is written whole.
	Spell func(written []byte) []Edit
}

// Added is a tree that is added after another.
type Added struct {
	Tree *yaml.Node
	Copy bool // it is written with the comments and in the style of the node that it follows
}

// Rewrite returns the edits of the stream that make the changes. A key of changes
// is d.Tree itself, or an item of a sequence in it. The comments at the top of the
// document that begin with repeated, if that is not empty, are written above each
// added document, too.
//
// Every document that results has been parsed again and compared with the tree that
// was wanted. The error is [message.NotWritten], where the text cannot be changed so
// that it gives this tree. Where it cannot be edited in place, a part is written from
// its tree; lost are the lines of the stream whose comments are not in the result, or
// not in a copy, for that reason.
func (d *Document) Rewrite(changes map[*yaml.Node]Change, repeated string) (edits []Edit, lost []int, err error) {
	root := d.root
	if root == nil {
		root, _ = parseText(d.text)
	}
	if root == nil {
		return nil, nil, message.New(message.NotWritten)
	}
	w := &writer{layout: newLayout(d.text, root), changes: changes}
	if change, ok := changes[d.Tree]; ok {
		edits, err = w.changeDocument(change, repeated)
	} else {
		edits, err = w.changeItems(d.Tree)
	}
	if err != nil {
		return nil, nil, err
	}
	lines := d.streamLines()
	for _, offset := range w.lost {
		lost = append(lost, lines(w.lineOf(offset)+1))
	}
	slices.Sort(lost)
	return d.inStream(edits), slices.Compact(lost), nil
}

// Set returns the edits of the stream by which the document gets a value at a dotted
// path: anything that [yaml.Marshal] takes, or nil, which removes the key. Its errors
// are an [*Error], for a part on the way that is not a mapping, [message.NotWritten] as
// for Rewrite, and those of encoding the value.
func (d *Document) Set(path string, value any) ([]Edit, error) {
	if d.Tree == nil {
		return nil, message.New(message.NotWritten)
	}
	if _, err := At(d.Tree, path); err != nil {
		return nil, err
	}
	want := Clone(d.Tree)
	parent, key := want, path
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		if now, _ := At(want, path[:i]); now == nil && value == nil {
			return nil, nil
		}
		parent, key = MakeMapping(want, path[:i]), path[i+1:]
	}
	if value == nil {
		Remove(parent, key)
	} else {
		var n yaml.Node
		if err := n.Encode(value); err != nil {
			return nil, err
		}
		Set(parent, key, &n)
	}
	edits, _, err := d.Rewrite(map[*yaml.Node]Change{d.Tree: {InPlace: want}}, "")
	return edits, err
}

// writer makes changes to one text.
type writer struct {
	*layout
	changes map[*yaml.Node]Change
	lost    []int // the offsets of the comments that the edits lose
}

// readBack returns the first attempt by which text[from:to] decodes to a tree, and is one
// document: "..." behind a lone CR ends none until it gets a line of its own.
// This is the one place where a result is read back and compared.
// kept is the tree without what is added to it, by which comments are missed, or nil
// where none is.
func (w *writer) readBack(want, kept *yaml.Node, from, to int, attempts ...func() []Edit) ([]Edit, error) {
	before := len(w.lost)
	for _, attempt := range attempts {
		w.lost = w.lost[:before]
		edits := attempt()
		text := apply(w.text, from, to, edits)
		root, _ := parseText(text)
		if root == nil || !equalAsParsed(root, want) || len(Split(text)) > 1 {
			continue
		}
		if kept != nil && removesComment(w.text, edits) {
			w.lost = append(w.lost, w.layout.lost(span{from, to}, w.root, kept, newLayout(text, root))...)
		}
		return edits, nil
	}
	return nil, message.New(message.NotWritten)
}

// editsInPlace returns the edits by which the document gives another tree, none
// where only the whole document can be written.
func (w *writer) editsInPlace(want *yaml.Node) []Edit {
	e := newEditor(w.layout)
	e.rewrite(w.root, want)
	return e.edits
}

// renderWhole returns the edit that writes the document from a tree, in block or flow
// style as it was.
func (w *writer) renderWhole(want *yaml.Node) []Edit {
	from, to := w.extent()
	text := w.block(want, 0)
	if w.root.Style&yaml.FlowStyle != 0 {
		text = flowText(want) + w.eol
	}
	return []Edit{{from, to, text}}
}

// extent returns where the lines of the top node begin and end: there may be comments
// before and after them.
func (l *layout) extent() (from, to int) {
	first := l.lineOf(l.offset(l.root))
	return l.lines[first], l.lineEnd(l.lastLine(l.root, first, -1))
}

// changeDocument returns the edits that change the document and add others.
func (w *writer) changeDocument(c Change, repeated string) ([]Edit, error) {
	edits, err := w.readBack(c.InPlace, c.InPlace, 0, len(w.text),
		func() []Edit { return w.editsInPlace(c.InPlace) },
		func() []Edit { return w.renderWhole(c.InPlace) })
	if err != nil || len(c.Added) == 0 {
		return edits, err
	}
	from, to := w.extent()
	head := "---" + w.eol + w.topComments(repeated)
	var b strings.Builder
	for _, added := range c.Added {
		attempts := []func() []Edit{func() []Edit { return w.renderWhole(added.Tree) }}
		kept := (*yaml.Node)(nil) // another object has none of the comments
		if added.Copy {
			kept = added.Tree
			attempts = slices.Insert(attempts, 0, func() []Edit { return w.editsInPlace(added.Tree) })
		}
		copied, err := w.readBack(added.Tree, kept, from, to, attempts...)
		if err != nil {
			return nil, err
		}
		text := apply(w.text, from, to, copied)
		if !bytes.HasSuffix(text, []byte("\n")) { // but a lone CR, after which Split finds no separator
			return nil, message.New(message.NotWritten)
		}
		b.WriteString(head)
		b.Write(text)
	}
	return append(edits, Edit{len(w.text), len(w.text), b.String()}), nil
}

// topComments returns the comments at the top of the document that begin with a
// prefix.
func (w *writer) topComments(prefix string) string {
	var b strings.Builder
	for line := range bytes.Lines(w.text) {
		if !blankOrComment(line) {
			break
		}
		if prefix != "" && bytes.HasPrefix(line, []byte(prefix)) {
			b.Write(line)
		}
	}
	return b.String()
}

// changeItems returns the edits that change items of sequences and add others.
func (w *writer) changeItems(tree *yaml.Node) ([]Edit, error) {
	want := w.changed(tree, true)
	spell := make(map[*yaml.Node]func([]byte) []Edit)
	for _, c := range w.changes {
		if c.Spell != nil {
			spell[c.InPlace] = c.Spell
		}
	}
	items := func(copies, spelled bool) []Edit {
		e := newEditor(w.layout)
		if spelled {
			e.spell = spell
		}
		e.rewrite(w.root, w.changed(tree, false))
		return append(e.edits, w.insert(e, w.root, tree, copies)...)
	}
	return w.readBack(want, w.changed(tree, false), 0, len(w.text),
		func() []Edit { return items(true, true) },
		func() []Edit { return items(true, false) },
		func() []Edit { return items(false, false) },
		func() []Edit { return w.renderWhole(want) })
}

// changed returns a tree with its changes, with or without what is added.
func (w *writer) changed(tree *yaml.Node, added bool) *yaml.Node {
	if c, ok := w.changes[tree]; ok {
		return c.InPlace
	}
	if len(tree.Content) == 0 {
		return tree
	}
	with := *tree
	with.Content = nil
	for _, child := range tree.Content {
		inserts := added && tree.Kind == yaml.SequenceNode
		if inserts {
			with.Content = append(with.Content, w.changes[child].Before...)
		}
		with.Content = append(with.Content, w.changed(child, added))
		if inserts {
			for _, a := range w.changes[child].Added {
				with.Content = append(with.Content, a.Tree)
			}
		}
	}
	return &with
}

// insert returns the edits that add items after others in the sequences of a
// node, whose plain tree is tree. Nothing is added within an alias. The copies among
// them are copies of the text, or not.
func (w *writer) insert(done *editor, n, tree *yaml.Node, copies bool) []Edit {
	var edits []Edit
	switch {
	case n.Kind == yaml.MappingNode:
		rest := tree.Content // which begins with the entries that no merge key brings in, in order
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !isMerge(n.Content[i]) {
				edits = append(edits, w.insert(done, n.Content[i+1], rest[1], copies)...)
				rest = rest[2:]
			}
		}
	case n.Kind == yaml.SequenceNode:
		for i, item := range n.Content {
			if c, ok := w.changes[tree.Content[i]]; ok {
				if len(c.Before) > 0 {
					edits = append(edits, w.insertBefore(n, item, c.Before))
				}
				edits = append(edits, w.insertAfter(done, n, item, c.Added, copies))
			} else {
				edits = append(edits, w.insert(done, item, tree.Content[i], copies)...)
			}
		}
	}
	return edits
}

// insertBefore returns the edit that adds items before an item of a sequence, and
// before the comments right above it.
func (w *writer) insertBefore(sequence, item *yaml.Node, added []*yaml.Node) Edit {
	if sequence.Style&yaml.FlowStyle != 0 {
		text := ""
		for _, tree := range added {
			text += flowText(tree) + ", "
		}
		return Edit{w.offset(item), w.offset(item), text}
	}
	line, column := w.dash(item)
	start := w.entryStart(line, 0, false)
	return Edit{start, start, w.block(List(added...), column)}
}

// insertAfter returns the edit that adds items after an item of a sequence.
func (w *writer) insertAfter(done *editor, sequence, item *yaml.Node, added []Added, copies bool) Edit {
	flow := sequence.Style&yaml.FlowStyle != 0
	between := ""
	var from, to, column int
	if flow {
		from = w.offset(item)
		to = w.flowEnd(from)
		between = ", "
		if sequence.Content[0].Line > sequence.Line { // one item a line
			between = "," + w.eol + strings.Repeat(" ", item.Column-1)
		}
	} else {
		var line int
		line, column = w.dash(item)
		from, to = w.lines[line], w.lineEnd(w.lastLine(item, line, column))
	}
	text := ""
	for _, a := range added {
		text += between
		e := copyEditor(done, item)
		switch {
		case copies && a.Copy && e.rewrite(item, a.Tree):
			e.dropAnchors(item)
			text += string(apply(w.text, from, to, e.edits))
			continue
		case flow:
			text += flowText(a.Tree)
		default:
			text += w.block(List(a.Tree), column)
		}
		if a.Copy && bytes.IndexByte(w.text[from:to], '#') >= 0 {
			for _, c := range w.comments() {
				if (span{from, to}).has(c.from) {
					w.lost = append(w.lost, c.from)
				}
			}
		}
	}
	return Edit{to, to, text}
}

// copyEditor returns an editor of a copy of an item, after the edits of the document.
// An anchor in the item stays with the item.
func copyEditor(done *editor, item *yaml.Node) *editor {
	e := newEditor(done.layout)
	if !e.anchors {
		return e
	}
	e.copy, e.gone = true, done.gone
	e.now = maps.Clone(done.now)
	var forget func(n *yaml.Node)
	forget = func(n *yaml.Node) {
		delete(e.now, n)
		for _, child := range n.Content {
			forget(child)
		}
	}
	forget(item)
	return e
}

// dropAnchors takes the anchors in a node out of its text.
func (e *editor) dropAnchors(n *yaml.Node) {
	if n.Anchor != "" {
		name := "&" + n.Anchor
		start := e.offset(n)
		start += bytes.Index(e.text[start:], []byte(name)) // a tag may be first
		end := start + len(name)
		if rest := e.text[end:e.lineEnd(e.lineOf(start))]; blankOrComment(rest) {
			start = len(bytes.TrimRight(e.text[:start], " \t"))
		} else {
			end = len(e.text) - len(bytes.TrimLeft(e.text[end:], " \t"))
		}
		e.replace(start, end, "")
	}
	for _, child := range n.Content {
		e.dropAnchors(child)
	}
}

// inStream turns edits of the text into edits of the stream, in order.
func (d *Document) inStream(edits []Edit) []Edit {
	if edits == nil {
		return nil
	}
	text := apply(d.text, 0, len(d.text), edits)
	var inStream []Edit
	if mark := bytes.TrimPrefix(d.stream[d.Start:d.Body], ByteOrderMark); separator(mark) > 0 && separator(slices.Concat(mark, text)) == 0 {
		inStream = append(inStream, Edit{0, 0, lineBreak(d.text)}) // after a "---" right before what was a key
	}
	if d.altered {
		if d.padded {
			text = unpadded(text, lineBreak(d.text))
		}
		inStream = append(inStream, Edit{0, d.End - d.Body, string(text)})
	} else {
		inStream = append(inStream, edits...)
	}
	sortEdits(inStream)
	for i := range inStream {
		inStream[i].Start += d.Body
		inStream[i].End += d.Body
	}
	return inStream
}

// unpadded takes the line break at the end, which is not in the stream, off a
// result, unless it has become part of a value, that of a block scalar.
func unpadded(text []byte, eol string) []byte {
	short := bytes.TrimSuffix(text, []byte(eol))
	pieces := Split(text)
	last := pieces[len(pieces)-1].Body
	if tree := treeOf(text[last:]); tree == nil || !decodesTo(short[last:], tree) {
		return text
	}
	return short
}
