package manifest

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// mayHaveCluster is the cheap and generous filter: true for every document that
// has a Cluster, and for some that do not.
func (h head) mayHaveCluster(text []byte) bool {
	return (!h.sure || h.isList() || h.isCluster()) &&
		(bytes.Contains(text, []byte(Group)) || escapedAPIVersion(text))
}

// escapedAPIVersion is true where an apiVersion is a double-quoted string with
// an escape, which may hide the group from a search.
func escapedAPIVersion(text []byte) bool {
	for {
		_, rest, found := bytes.Cut(text, []byte("apiVersion"))
		if !found {
			return false
		}
		text = rest
		value := bytes.TrimLeft(rest, "\"': \t\r\n")
		if at := len(rest) - len(value); at == 0 || rest[at-1] != '"' {
			continue
		}
		if end := bytes.IndexByte(value, '"'); end > 0 && bytes.IndexByte(value[:end], '\\') >= 0 {
			return true
		}
	}
}

// head is what the lines at column 0 say of a document.
type head struct {
	apiVersion, kind string
	sure             bool // both stand there, once, plainly
}

func (h head) isList() bool { return strings.HasSuffix(h.kind, "List") }

// onlyKind is that of the document's only object, empty where it is not certain, or
// where there may be several.
func (h head) onlyKind() string {
	if !h.sure || h.isList() {
		return ""
	}
	return h.kind
}

func (h head) isCluster() bool {
	return strings.HasPrefix(h.apiVersion, Group+"/") && h.kind == "Cluster"
}

// readHead reads the top-level apiVersion and kind of a document in block
// style, without parsing it.
func readHead(text []byte) head {
	h := head{sure: true}
	for line := range bytes.Lines(text) {
		switch c := line[0]; {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			key, value, found := bytes.Cut(line, []byte(":"))
			field := &h.apiVersion
			switch string(key) {
			case "apiVersion":
			case "kind":
				field = &h.kind
			default:
				continue
			}
			value, _, _ = bytes.Cut(value, []byte(" #"))
			value = bytes.TrimSpace(value)
			h.sure = h.sure && found && *field == "" && yamledit.IsSafePlain(string(value))
			*field = string(value)
		case c == ' ' || c == '#' || c == '\n' || c == '\r' || c == '-':
		default:
			h.sure = false
		}
	}
	h.sure = h.sure && h.apiVersion != "" && h.kind != ""
	return h
}

// KindOf returns the kind of a document as its lines at column 0 say it, without
// parsing it, and whether that is certain.
func KindOf(text []byte) (kind string, sure bool) {
	h := readHead(text)
	return h.kind, h.sure
}

// claimsCluster looks at a document that does not parse: true when it is meant
// to be, or to contain, a Cluster, so that its error is ours to report.
func claimsCluster(text []byte) bool {
	// the expressions are compiled here, because package variables would cost every start
	const (
		key     = `["']?%s["']?[ \t]*:[ \t]*["']?`
		group   = `postgresql\.cnpg\.io\\?/`
		anyKind = `([A-Za-z]*)`
	)
	find := func(anchor, name, value string) [][][]byte {
		return regexp.MustCompile(anchor+fmt.Sprintf(key, name)+value).FindAllSubmatch(text, -1)
	}
	kinds := find(`(?m)^`, "kind", anyKind)
	if find(`(?m)^`, "apiVersion", group) != nil {
		return kinds == nil || slices.ContainsFunc(kinds, func(kind [][]byte) bool { return string(kind[1]) == "Cluster" })
	}
	begin := bytes.TrimLeft(text, " \t\r\n")
	isList := slices.ContainsFunc(kinds, func(kind [][]byte) bool { return bytes.HasSuffix(kind[1], []byte("List")) })
	if len(begin) > 0 && (begin[0] == '{' || begin[0] == '[') || isList {
		return find("", "apiVersion", group) != nil && find("", "kind", `Cluster\b`) != nil
	}
	return false
}

// claimed is the Cluster in a document that cannot be read, as far as it can be
// told.
func claimed(source *Source, piece yamledit.Piece, text []byte) *Object {
	o := &Object{Source: source, Line: piece.Line, Kind: "Cluster"}
	name := regexp.MustCompile(`(?m)^["']?metadata["']?:[ \t]*\r?\n(?:[ \t]+.*\n)*?[ \t]+["']?name["']?:[ \t]*["']?([^\s"'#]+)`).FindSubmatch(text)
	if name != nil {
		o.Name = string(name[1])
	}
	return o
}

func position(source string, line int) string { return fmt.Sprintf("%s:%d", source, line) }
