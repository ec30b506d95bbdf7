package postrender

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// change is what becomes of an object: what stands in its place, and the objects
// behind it.
type change struct {
	inPlace *yaml.Node
	behind  []*yaml.Node
}

// rewrite records the edits that make the changes, each of which is known by the
// tree of its object.
func (r *Result) rewrite(documents []*document, changes map[*yaml.Node]change) error {
	var failed []error
	for _, doc := range documents {
		inDoc := make(map[*yaml.Node]change)
		for _, object := range doc.objects() {
			if c, ok := changes[object]; ok {
				inDoc[object] = c
			}
		}
		if len(inDoc) == 0 {
			continue
		}
		var edits []edit
		var err error
		if c, ok := inDoc[doc.tree]; ok {
			edits, err = doc.change(c)
		} else {
			edits, err = doc.changeInList(inDoc)
		}
		if err != nil {
			e := doc.locate(err)
			for _, object := range doc.objects() {
				if _, ok := inDoc[object]; ok && e.Object == "" {
					e.Line, e.Object = doc.streamLine(object.Line), refTo(object).Kind+" "+refTo(object).Name
				}
			}
			if errors.Is(err, errNotWritten) {
				e.Cure = "write it in plainer YAML, or keep the Cluster single with the annotation " + AnnotationExpand + `: "false"; and report it`
			}
			failed = append(failed, e)
			continue
		}
		for i := range r.sources {
			if &r.sources[i] == doc.source {
				r.edits[i] = append(r.edits[i], doc.inSource(edits)...)
			}
		}
	}
	return errors.Join(failed...)
}

// errNotWritten would be a mistake of ours: what was to be written does not
// read back as the tree that was meant, not even after writing it anew.
var errNotWritten = errors.New("cannot be written so that it reads back as intended; this is a bug in cnpg-pair")

// change returns the edits that make the document what stands in its place, and
// put the others behind it, as documents of their own.
func (d *document) change(c change) ([]edit, error) {
	edits, behind, err := d.texts(c)
	if err != nil {
		return nil, err
	}
	eol := lineBreak(d.text)
	var b strings.Builder
	for _, text := range behind {
		b.WriteString("---" + eol)
		for line := range bytes.Lines(d.text) {
			if !blankOrComment(line) {
				break
			}
			if bytes.HasPrefix(line, []byte("# Source:")) {
				b.Write(line)
			}
		}
		b.Write(text)
	}
	if b.Len() == 0 {
		return edits, nil
	}
	return append(edits, edit{len(d.text), len(d.text), b.String()}), nil
}

// texts returns the edits that make the document what stands in its place, and
// the texts of the others.
func (d *document) texts(c change) (inPlace []edit, behind [][]byte, err error) {
	l := newLayout(d.text, d.root)
	from, to := l.extent(d.root)
	inPlace = d.rewritten(l, c.inPlace)
	if !holds(apply(d.text, 0, len(d.text), inPlace), c.inPlace) {
		inPlace = []edit{{from, to, l.anew(d.root, c.inPlace)}}
		if !holds(apply(d.text, 0, len(d.text), inPlace), c.inPlace) {
			return nil, nil, errNotWritten
		}
	}
	for _, tree := range c.behind {
		var text []byte
		if isCopy(d.tree, tree) {
			text = apply(d.text, from, to, d.rewritten(l, tree))
		}
		if !holds(text, tree) {
			text = []byte(l.anew(d.root, tree))
		}
		if !holds(text, tree) {
			return nil, nil, errNotWritten
		}
		behind = append(behind, text)
	}
	return inPlace, behind, nil
}

// isCopy is true for an object that is a changed copy of another, whose comments
// it keeps.
func isCopy(of, tree *yaml.Node) bool { return scalar(of, "kind") == scalar(tree, "kind") }

// rewritten returns the edits that make the document hold a tree, none where
// it cannot be done in place.
func (d *document) rewritten(l *layout, want *yaml.Node) []edit {
	e := newEditor(l)
	e.rewrite(d.root, want)
	return e.edits
}

// holds tells whether a text reads as a tree.
func holds(text []byte, want *yaml.Node) bool {
	_, tree, err := parseText(text)
	return err == nil && tree != nil && same(tree, want)
}

// extent returns the lines of the top node of the document, without what
// stands before and behind it.
func (l *layout) extent(root *yaml.Node) (from, to int) {
	first := l.lineOf(l.offset(root))
	return l.lines[first], l.lineEnd(l.lastLine(root, first, -1))
}

// anew returns a tree as text in the style, block or flow, of a node.
func (l *layout) anew(style, tree *yaml.Node) string {
	if style.Style&yaml.FlowStyle != 0 {
		return flowText(tree) + l.eol
	}
	return l.block(tree, 0)
}

// changeInList returns the edits that make the changes to items of a List, what
// stands behind an object as the next items.
func (d *document) changeInList(changes map[*yaml.Node]change) ([]edit, error) {
	l := newLayout(d.text, d.root)
	want := listTree(d.tree, changes, true)
	edits := append(d.rewritten(l, listTree(d.tree, changes, false)), l.insertBehind(d.root, d.tree, changes)...)
	if holds(apply(d.text, 0, len(d.text), edits), want) {
		return edits, nil
	}
	from, to := l.extent(d.root)
	edits = []edit{{from, to, l.anew(d.root, want)}}
	if !holds(apply(d.text, 0, len(d.text), edits), want) {
		return nil, errNotWritten
	}
	return edits, nil
}

// listTree returns a tree in which the objects are changed, with or without
// those that stand behind them.
func listTree(tree *yaml.Node, changes map[*yaml.Node]change, behind bool) *yaml.Node {
	if c, ok := changes[tree]; ok {
		return c.inPlace
	}
	items := listItems(tree)
	if items == nil {
		return tree
	}
	with := list()
	for _, item := range items.Content {
		with.Content = append(with.Content, listTree(item, changes, behind))
		if behind {
			with.Content = append(with.Content, changes[item].behind...)
		}
	}
	c := clone(tree)
	set(c, "items", with)
	return c
}

// insertBehind returns the edits that put objects behind the items of the Lists
// in a node, which tree is the plain tree of. What stands behind an alias is left
// out.
func (l *layout) insertBehind(n, tree *yaml.Node, changes map[*yaml.Node]change) []edit {
	items, itemTrees := get(n, "items"), listItems(tree)
	if itemTrees == nil || items == nil || items.Kind != yaml.SequenceNode {
		return nil
	}
	var edits []edit
	for i, item := range items.Content {
		c, ok := changes[itemTrees.Content[i]]
		if !ok {
			edits = append(edits, l.insertBehind(item, itemTrees.Content[i], changes)...)
			continue
		}
		flow := items.Style&yaml.FlowStyle != 0
		var from, to int
		var between string
		if flow {
			from = l.offset(item)
			to = l.flowEnd(from)
			between = ", "
			if items.Content[0].Line > items.Line {
				between = "," + l.eol + strings.Repeat(" ", item.Column-1)
			}
		} else {
			line, column := l.dash(item)
			from, to = l.lines[line], l.lineEnd(l.lastLine(item, line, column))
		}
		text := ""
		for _, tree := range c.behind {
			text += between
			e := newEditor(l)
			switch {
			case !l.anchors && isCopy(itemTrees.Content[i], tree) && e.rewrite(item, tree):
				text += string(apply(l.text, from, to, e.edits))
			case flow:
				text += flowText(tree)
			default: // an anchor that is there twice would change what follows it
				_, column := l.dash(item)
				text += l.block(list(tree), column)
			}
		}
		edits = append(edits, edit{to, to, text})
	}
	return edits
}

// inSource turns edits of the document's text into edits of its source.
func (d *document) inSource(edits []edit) []edit {
	if d.altered {
		text := apply(d.text, 0, len(d.text), edits)
		if d.padded { // the line break at the end is not in the source, and not in the output
			text = bytes.TrimSuffix(text, []byte(lineBreak(d.text)))
		}
		return []edit{{d.body, d.end, string(text)}}
	}
	sorted := slices.Clone(edits)
	slices.SortStableFunc(sorted, func(a, b edit) int { return a.start - b.start })
	for i := range sorted {
		sorted[i].start += d.body
		sorted[i].end += d.body
	}
	return sorted
}
