package yamledit

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Edit replaces the bytes [Start,End) of a text by New.
type Edit struct {
	Start, End int
	New        string
}

// Apply returns a copy of a text with edits, which are in any order and do not
// overlap.
func Apply(text []byte, edits []Edit) []byte { return apply(text, 0, len(text), edits) }

// apply returns text[from:to] with the edits that lie in it.
func apply(text []byte, from, to int, edits []Edit) []byte {
	edits = slices.Clone(edits)
	sortEdits(edits)
	var out []byte
	for _, e := range edits {
		if e.Start < from || e.End > to {
			continue
		}
		out = append(out, text[from:e.Start]...)
		out = append(out, e.New...)
		from = e.End
	}
	return append(out, text[from:to]...)
}

// sortEdits puts edits in order: what is inserted at a place comes before what is
// replaced there.
func sortEdits(edits []Edit) {
	inserts := func(e Edit) int {
		if e.Start == e.End {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(edits, func(a, b Edit) int { return cmp.Or(a.Start-b.Start, inserts(a)-inserts(b)) })
}

// editor finds the smallest edits by which the text of a document gives another
// tree. It encodes nothing that does not change.
type editor struct {
	*layout
	edits []Edit
	now   map[*yaml.Node]*yaml.Node          // the trees of anchored nodes after the edits so far
	gone  map[*yaml.Node]bool                // the nodes that the edits delete
	spell map[*yaml.Node]func([]byte) []Edit // of scalars that are wanted, see [Change]
	above int                                // the column of the key or the dash before the node that is next
	copy  bool                               // the result is a second one, in which no anchor stays
}

func newEditor(l *layout) *editor {
	return &editor{layout: l, now: make(map[*yaml.Node]*yaml.Node), gone: make(map[*yaml.Node]bool)}
}

func (e *editor) replace(start, end int, text string) {
	e.edits = append(e.edits, Edit{start, end, text})
}

// insertLines puts lines after a line.
func (e *editor) insertLines(after int, lines string) {
	e.replace(e.lineEnd(after), e.lineEnd(after), lines)
}

// rewrite records the edits by which a node of the text gets the tree want. It
// records nothing and returns false where the edits would not be smaller than the
// node: whoever called it writes the whole node then.
func (e *editor) rewrite(n, want *yaml.Node) bool {
	mark := len(e.edits)
	ok := false
	switch {
	case n.Kind == yaml.AliasNode:
		now, known := e.now[n.Alias]
		ok = known && !e.gone[n.Alias] && Equal(now, want)
	case n.Kind != want.Kind:
	case n.Kind == yaml.ScalarNode:
		ok = e.rewriteScalar(n, want)
	case len(n.Content) == 0:
		ok = len(want.Content) == 0
	case n.Kind == yaml.MappingNode:
		ok = e.rewriteMapping(n, want)
	default:
		ok = e.rewriteSequence(n, want)
	}
	if !ok {
		e.edits = e.edits[:mark]
		e.forget(n)
		return false
	}
	if n.Anchor != "" && !e.copy {
		e.now[n] = want
	}
	return true
}

// forget marks what is in a node that goes: no alias can stand for it.
func (e *editor) forget(n *yaml.Node) {
	e.gone[n] = true
	for _, child := range n.Content {
		e.forget(child)
	}
}

func (e *editor) rewriteScalar(n, want *yaml.Node) bool {
	if now, _ := resolve(n); Equal(now, want) { // a scalar always resolves
		return true
	}
	if spell := e.spell[want]; spell != nil && e.respell(n, spell) {
		return true
	}
	if n.Value == "" && isPlain(n) || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return false
	}
	start := e.offset(n)
	if n.Anchor != "" { // it stays; an alias of it is written out
		rest := bytes.TrimPrefix(e.text[start:], []byte("&"+n.Anchor))
		if len(rest) == len(e.text)-start {
			return false // its tag is first
		}
		start = len(e.text) - len(bytes.TrimLeft(rest, " \t"))
	}
	scalar := e.skipProperties(start) // its tag goes
	end := scalar + len(n.Value)
	if !isPlain(n) {
		end = e.quoteEnd(scalar) + 1
	} else if !bytes.HasPrefix(e.text[scalar:], []byte(n.Value)) {
		return false // it spans lines
	}
	text := flowText(want)
	switch {
	case n.Style&yaml.SingleQuotedStyle != 0 && n.Style&yaml.TaggedStyle == 0 && want.Style&yaml.TaggedStyle == 0 && fitsSingleQuotes(want):
		text = singleQuoted(want.Value)
	case isPlain(n):
		text = scalarText(want)
	}
	e.replace(start, end, text)
	return true
}

// respell edits the text of a scalar in its own style, where that is not plain.
func (e *editor) respell(n *yaml.Node, spell func([]byte) []Edit) bool {
	if isPlain(n) {
		return false
	}
	var from, to int
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		from = e.lineEnd(e.blockScalarLine(n))
		to = max(from, e.lineEnd(e.lastLineOfBlockScalar(n, e.above)))
	} else {
		from = e.skipProperties(e.offset(n))
		to = e.quoteEnd(from) + 1
	}
	for _, edit := range spell(e.text[from:to]) {
		e.replace(from+edit.Start, from+edit.End, edit.New)
	}
	return true
}

// scalarText returns a scalar on one line, and without quotes if it has none; and an
// empty collection.
func scalarText(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && isResolved(n) && !strings.Contains(n.Value, "\n") {
		return n.Value
	}
	return flowText(n)
}

func (e *editor) rewriteMapping(n, want *yaml.Node) bool {
	merged, keepMerge := e.mergedKeys(n, want)
	wanted := index(want)
	stays := func(key *yaml.Node) bool { // a merge key, as long as all that it brings in is wanted
		return isMerge(key) && keepMerge || !isMerge(key) && wanted[key.Value] != nil
	}
	own := make(map[string]bool)
	anyStays := false
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		own[key.Value] = !isMerge(key)
		anyStays = anyStays || stays(key)
	}
	added := &yaml.Node{Kind: yaml.MappingNode}
	for i := 0; i+1 < len(want.Content); i += 2 {
		key, value := want.Content[i], want.Content[i+1]
		if !own[key.Value] && (merged[key.Value] == nil || !Equal(merged[key.Value], value)) {
			added.Content = append(added.Content, key, value)
		}
	}
	flow := n.Style&yaml.FlowStyle != 0
	if !anyStays && (flow || len(added.Content) == 0) || !e.rewriteEntries(n, wanted, stays) {
		return false
	}
	switch {
	case len(added.Content) == 0:
		return true
	case flow:
		return e.growFlow(n, flowEntries(added))
	}
	key, value := n.Content[len(n.Content)-2], n.Content[len(n.Content)-1]
	e.insertLines(e.lastLine(value, key.Line-1, e.column(key)), e.block(added, e.column(n.Content[0])))
	return true
}

// rewriteEntries removes the entries of a mapping that do not stay, and gives the
// others the values that are wanted.
func (e *editor) rewriteEntries(n *yaml.Node, wanted map[string]*yaml.Node, stays func(key *yaml.Node) bool) bool {
	flow := n.Style&yaml.FlowStyle != 0
	afterOne := false // that stays
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Anchor != "" && !e.copy {
			e.now[key] = key
		}
		ok := true
		e.above = e.column(key)
		switch {
		case !stays(key):
			if flow {
				e.removeFlowEntry(n, i, afterOne)
			} else {
				e.removeEntry(key, value)
			}
		case isMerge(key), e.rewrite(value, wanted[key.Value]):
		case flow:
			ok = e.replaceFlowValue(key, value, wanted[key.Value])
		default:
			ok = e.replaceValue(key, value, wanted[key.Value])
		}
		if !ok {
			return false
		}
		afterOne = afterOne || stays(key)
	}
	return true
}

// replaceFlowValue writes the whole value of an entry of a flow mapping.
func (e *editor) replaceFlowValue(key, value, want *yaml.Node) bool {
	if !isImplicitNull(value) {
		start := e.offset(value)
		e.replace(start, e.flowEnd(start), flowText(want))
		return true
	}
	if after, ok := e.colon(key); ok {
		end := after
		if rest := bytes.TrimLeft(e.text[after:], " "); rest[0] == ',' || rest[0] == '}' {
			end = len(e.text) - len(rest)
		}
		e.replace(after, end, " "+flowText(want))
		return true
	}
	end, ok := e.keyEnd(key)
	if ok {
		e.replace(end, end, ": "+flowText(want))
	}
	return ok
}

// mergedKeys returns what the merge keys of a mapping bring in after the edits so
// far. It returns false where they bring in a key that is not wanted, or that a reader
// of YAML 1.1 does not take for the key of the mapping itself which hides it, as "y" and
// y: then the merge keys go, and the keys that are wanted are written out.
func (e *editor) mergedKeys(n, want *yaml.Node) (map[string]*yaml.Node, bool) {
	merged := make(map[string]*yaml.Node)
	own := make(map[string]*yaml.Node) // the keys
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !isMerge(n.Content[i]) {
			own[n.Content[i].Value] = n.Content[i]
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !isMerge(n.Content[i]) {
			continue
		}
		sources := []*yaml.Node{n.Content[i+1]}
		if sources[0].Kind == yaml.SequenceNode {
			sources = sources[0].Content
		}
		for _, source := range sources {
			now, _ := resolve(source)
			if source.Kind == yaml.AliasNode {
				now = e.now[source.Alias]
			}
			if now == nil || e.gone[source.Alias] {
				return nil, false
			}
			for j := 0; j+1 < len(now.Content); j += 2 {
				key := now.Content[j].Value
				if own[key] != nil && !Equal(own[key], now.Content[j]) {
					return nil, false
				}
				if merged[key] == nil {
					merged[key] = now.Content[j+1]
				}
			}
		}
	}
	wanted := index(want)
	for key := range merged {
		if wanted[key] == nil {
			return nil, false
		}
	}
	return merged, true
}

// removeEntry deletes the lines of an entry of a block mapping, and the comment
// right above it. What is before the entry on its line, as a dash, stays there.
func (e *editor) removeEntry(key, value *yaml.Node) {
	end := e.lineEnd(e.lastLine(value, key.Line-1, e.column(key)))
	if !e.startsLine(key) {
		before := bytes.TrimRight(e.text[:e.entryOffset(key)], " \t")
		e.replace(len(before), len(bytes.TrimRight(e.text[:end], "\r\n")), "")
		return
	}
	first := key.Line - 1
	for first > 0 {
		above := e.line(first - 1)
		if !bytes.HasPrefix(bytes.TrimLeft(above, " "), []byte("#")) || indentation(above) != e.column(key) {
			break
		}
		first--
	}
	e.replace(e.lines[first], end, "")
}

// replaceValue writes the whole value of an entry of a block mapping. The comments
// beside a null, an alias or an empty collection stay.
func (e *editor) replaceValue(key, value, want *yaml.Node) bool {
	line, column := key.Line-1, e.column(key)
	after, colon := e.colon(key)
	end, known := e.keyEnd(key)
	switch {
	case colon && e.fill(value, want, after, column):
		return true
	case !colon && known: // "? key"
		w := &blockWriter{eol: e.eol}
		w.WriteString(strings.Repeat(" ", column) + ":")
		w.value(want, column, " ")
		e.insertLines(e.lineOf(end), w.String())
		return true
	case !e.startsLine(key) || key.Anchor != "":
		return false
	}
	bare := &yaml.Node{Kind: key.Kind, Style: key.Style, Tag: key.Tag, Value: key.Value}
	e.replace(e.lines[line], e.lineEnd(e.lastLine(value, line, column)),
		e.block(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{bare, want}}, column))
	return true
}

// fill writes another node in the place of one that has no content of its own: a
// null, an alias or an empty collection. It follows a ":" or a dash, which ends at an
// offset, of an entry or an item at a column.
func (e *editor) fill(n, want *yaml.Node, after, column int) bool {
	collection := len(want.Content) > 0
	start := after
	if !isImplicitNull(n) {
		start = e.offset(n)
	}
	end := start
	switch {
	case isImplicitNull(n):
	case n.Kind == yaml.AliasNode:
		end += len("*" + n.Value)
	case isEmptyFlow(n):
		end = e.flowEnd(start)
		if !collection || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 || e.lineOf(after) != e.lineOf(end-1) {
			e.growEmptyFlow(n, want)
			return true
		}
	case n.Kind != yaml.ScalarNode || !IsNull(n) || !isPlain(n):
		return false
	case n.Value != "": // null, perhaps with properties, which go
		start = e.skipProperties(start)
		end = start + len(n.Value)
		if n.Style&yaml.TaggedStyle != 0 {
			return false
		}
	case n.Style&yaml.TaggedStyle != 0:
		return false
	default: // an anchor and nothing else
		start += len("&" + n.Anchor)
		end = start
	}
	if !collection {
		text := scalarText(want)
		if start == end {
			text = " " + text
		}
		e.replace(start, end, text)
		return true
	}
	line := e.lineOf(max(end-1, 0))
	from := len(bytes.TrimRight(e.text[:start], " \t"))
	if alone := from <= e.lines[line] && len(bytes.TrimSpace(e.text[end:e.lineEnd(line)])) == 0; alone {
		e.replace(e.lines[line], e.lineEnd(line), "")
	} else if from <= e.lines[line] { // the comment after it takes its place
		e.replace(start, len(e.text)-len(bytes.TrimLeft(e.text[end:], " \t")), "")
	} else if end > start {
		e.replace(from, end, "")
	}
	e.insertLines(line, e.block(want, column+2))
	return true
}

func (e *editor) rewriteSequence(n, want *yaml.Node) bool {
	stay := min(len(want.Content), len(n.Content))
	if stay < len(n.Content) {
		if stay == 0 || n.Style&yaml.FlowStyle != 0 {
			return false
		}
		e.removeItems(n.Content[stay:])
	}
	for i, item := range n.Content[:stay] {
		if n.Style&yaml.FlowStyle == 0 {
			_, e.above = e.dash(item)
		}
		if !e.rewrite(item, want.Content[i]) && !e.replaceItem(n, item, want.Content[i]) {
			return false
		}
	}
	added := want.Content[stay:]
	if len(added) == 0 {
		return true
	}
	if n.Style&yaml.FlowStyle != 0 {
		texts := make([]string, len(added))
		for i, item := range added {
			texts[i] = flowText(item)
		}
		return e.growFlow(n, texts)
	}
	item := n.Content[len(n.Content)-1]
	line, column := e.dash(item)
	e.insertLines(e.lastLine(item, line, column), e.block(List(added...), column))
	return true
}

// replaceItem writes a whole item of a sequence.
func (e *editor) replaceItem(n, item, want *yaml.Node) bool {
	if n.Style&yaml.FlowStyle != 0 {
		start := e.offset(item)
		e.replace(start, e.flowEnd(start), flowText(want))
		return !isImplicitNull(item)
	}
	if isEmptyFlow(item) { // "- {}" grows on its line
		e.growEmptyFlow(item, want)
		return true
	}
	line, column := e.dash(item)
	dash := e.lines[line] + column
	if e.fill(item, want, dash+1, column) {
		return true
	}
	if len(bytes.TrimLeft(e.text[e.lines[line]:dash], " ")) > 0 {
		return false
	}
	e.replace(e.lines[line], e.lineEnd(e.lastLine(item, line, column)), e.block(List(want), column))
	return true
}

// removeItems deletes the lines of the last items of a block sequence.
func (e *editor) removeItems(items []*yaml.Node) {
	last := items[len(items)-1]
	first, _ := e.dash(items[0])
	line, column := e.dash(last)
	e.replace(e.lines[first], e.lineEnd(e.lastLine(last, line, column)), "")
}

// growEmptyFlow fills {} or [], whose brackets may be on different lines.
func (e *editor) growEmptyFlow(n, want *yaml.Node) {
	start := e.offset(n)
	end := e.flowEnd(start)
	if text := flowText(want); n.Kind == want.Kind {
		e.replace(end-1, end-1, text[1:len(text)-1])
	} else {
		e.replace(start, end, text)
	}
}

// growFlow appends entries to a flow collection that has some.
func (e *editor) growFlow(n *yaml.Node, entries []string) bool {
	first, last := n.Content[0], n.Content[len(n.Content)-1]
	if e.text[e.flowEnd(e.offset(n))-1] != '}' && e.text[e.flowEnd(e.offset(n))-1] != ']' {
		return false
	}
	between := " "
	if first.Line > n.Line { // one entry a line
		between = e.eol + strings.Repeat(" ", first.Column-1)
	}
	end := e.offset(last)
	if !isImplicitNull(last) {
		end = e.flowEnd(end)
	}
	rest := bytes.TrimLeft(e.text[end:], " \t\r\n")
	text := ""
	for _, entry := range entries {
		text += "," + between + entry
	}
	if len(rest) > 0 && rest[0] == ',' {
		end = len(e.text) - len(rest) + 1
		text = strings.TrimPrefix(text, ",") + ","
	}
	e.replace(end, end, text)
	return true
}

// removeFlowEntry deletes entry i of a flow mapping: with the comma before it
// where an entry before it stays, else with the one after it.
func (e *editor) removeFlowEntry(n *yaml.Node, i int, afterOne bool) {
	if afterOne {
		e.replace(e.entryEnd(n, i-2), e.entryEnd(n, i), "")
	} else {
		e.replace(e.offset(n.Content[i]), e.offset(n.Content[i+2]), "")
	}
}
