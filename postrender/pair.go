package postrender

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// pair records the edits that turn the candidates that were so decided into
// pairs.
func (r *Result) pair(cfg Config, candidates []*candidate) error {
	var failed []error
	for len(candidates) > 0 {
		doc := candidates[0].doc
		n := slices.IndexFunc(candidates, func(c *candidate) bool { return c.doc != doc })
		if n < 0 {
			n = len(candidates)
		}
		edits, err := pairsInDocument(cfg, doc, candidates[:n])
		failed = append(failed, err)
		for i := range r.sources {
			if &r.sources[i] == doc.source {
				r.edits[i] = append(r.edits[i], edits...)
			}
		}
		candidates = candidates[n:]
	}
	return errors.Join(failed...)
}

// pairsInDocument returns the edits, in the source, of one document.
func pairsInDocument(cfg Config, doc *document, candidates []*candidate) ([]edit, error) {
	var failed []error
	pairs := make(map[*yaml.Node]halves)
	for _, c := range candidates {
		if c.failed || c.decision.Action != Paired {
			continue
		}
		h, err := c.halves(cfg)
		failed = append(failed, err)
		pairs[c.tree] = h
	}
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	if len(pairs) == 0 {
		return nil, nil
	}
	var edits []edit
	var err error
	if single, ok := pairs[doc.tree]; ok {
		edits, err = doc.pair(single)
	} else {
		edits, err = doc.pairInList(pairs)
	}
	if err != nil {
		return nil, candidates[0].fail(err)
	}
	return doc.inSource(edits), nil
}

// halves are the trees of a pair.
type halves struct{ primary, replica *yaml.Node }

func (c *candidate) halves(cfg Config) (halves, error) {
	primary, err := c.primaryTree(cfg)
	if err != nil {
		return halves{}, c.fail(err)
	}
	replica, err := c.replicaTree(cfg)
	if err != nil {
		return halves{}, c.fail(err)
	}
	return halves{primary, replica}, nil
}

// errNotWritten would be a mistake of ours: what was to be written does not
// read back as the tree that was meant, not even after writing it anew.
var errNotWritten = errors.New("cannot be written so that it reads back as intended; this is a bug in cnpg-pair")

// pair returns the edits that make the document the primary and put the
// replica behind it, as a document of its own.
func (d *document) pair(h halves) ([]edit, error) {
	edits, replica, err := d.texts(h)
	if err != nil {
		return nil, err
	}
	eol := lineBreak(d.text)
	var b strings.Builder
	b.WriteString("---" + eol)
	for line := range bytes.Lines(d.text) {
		if !blankOrComment(line) {
			break
		}
		if bytes.HasPrefix(line, []byte("# Source:")) {
			b.Write(line)
		}
	}
	b.Write(replica)
	return append(edits, edit{len(d.text), len(d.text), b.String()}), nil
}

// texts returns the edits that make the document the primary, and the text of
// the replica.
func (d *document) texts(h halves) (primary []edit, replica []byte, err error) {
	l := newLayout(d.text, d.root)
	from, to := l.extent(d.root)
	primary = d.rewritten(l, h.primary)
	if !holds(apply(d.text, 0, len(d.text), primary), h.primary) {
		primary = []edit{{from, to, l.anew(d.root, h.primary)}}
		if !holds(apply(d.text, 0, len(d.text), primary), h.primary) {
			return nil, nil, errNotWritten
		}
	}
	replica = apply(d.text, from, to, d.rewritten(l, h.replica))
	if !holds(replica, h.replica) {
		replica = []byte(l.anew(d.root, h.replica))
		if !holds(replica, h.replica) {
			return nil, nil, errNotWritten
		}
	}
	return primary, replica, nil
}

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

// pairInList returns the edits that put, in a List, each replica behind its
// primary as the next item.
func (d *document) pairInList(pairs map[*yaml.Node]halves) ([]edit, error) {
	l := newLayout(d.text, d.root)
	want := listTree(d.tree, pairs, true)
	edits := append(d.rewritten(l, listTree(d.tree, pairs, false)), l.insertReplicas(d.root, d.tree, pairs)...)
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

// listTree returns a tree in which the primaries stand for their Clusters,
// with or without the replicas.
func listTree(tree *yaml.Node, pairs map[*yaml.Node]halves, replicas bool) *yaml.Node {
	if p, ok := pairs[tree]; ok {
		return p.primary
	}
	items := listItems(tree)
	if items == nil {
		return tree
	}
	with := list()
	for _, item := range items.Content {
		with.Content = append(with.Content, listTree(item, pairs, replicas))
		if p, ok := pairs[item]; ok && replicas {
			with.Content = append(with.Content, p.replica)
		}
	}
	c := clone(tree)
	set(c, "items", with)
	return c
}

// insertReplicas returns the edits that put the replicas behind the items of
// the Lists in a node, which tree is the plain tree of. What stands behind an
// alias is left out.
func (l *layout) insertReplicas(n, tree *yaml.Node, pairs map[*yaml.Node]halves) []edit {
	items, itemTrees := get(n, "items"), listItems(tree)
	if itemTrees == nil || items == nil || items.Kind != yaml.SequenceNode {
		return nil
	}
	var edits []edit
	for i, item := range items.Content {
		p, ok := pairs[itemTrees.Content[i]]
		if !ok {
			edits = append(edits, l.insertReplicas(item, itemTrees.Content[i], pairs)...)
			continue
		}
		flow := items.Style&yaml.FlowStyle != 0
		var from, to int
		var text string
		if flow {
			from = l.offset(item)
			to = l.flowEnd(from)
			text = ", "
			if items.Content[0].Line > items.Line {
				text = "," + l.eol + strings.Repeat(" ", item.Column-1)
			}
		} else {
			line, column := l.dash(item)
			from, to = l.lines[line], l.lineEnd(l.lastLine(item, line, column))
		}
		e := newEditor(l)
		switch {
		case !l.anchors && e.rewrite(item, p.replica):
			text += string(apply(l.text, from, to, e.edits))
		case flow:
			text += flowText(p.replica)
		default: // an anchor that is there twice would change what follows it
			_, column := l.dash(item)
			text += l.block(list(p.replica), column)
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
