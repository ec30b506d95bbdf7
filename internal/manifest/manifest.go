// Package manifest finds, in streams of rendered manifests, the objects that
// matter for pairs: Clusters, Services and Poolers, whose names a pair may need,
// and network policies.
//
// Goals: a cheap and generous search by bytes leaves most documents unparsed; parsed
// objects are distinguished by apiVersion and kind. Non-goals: deciding anything
// about an object, and changing one.
package manifest

import (
	"bytes"
	"cmp"
	"iter"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// Group is the API group of CloudNativePG.
const Group = "postgresql.cnpg.io"

// LabelCluster is on every Pod of a Cluster, those of its Jobs too.
const LabelCluster = "cnpg.io/cluster"

// Source is one input: a name for messages ("stdin", a file's name) and the
// rendered manifests.
type Source struct {
	Name string
	Data []byte
}

// Object is an object of a stream.
type Object struct {
	Source   *Source
	Document *yamledit.Document
	tree     *yaml.Node
	Line     int // of the stream

	APIVersion, Kind, Namespace, Name string
}

// Tree returns the plain tree of the object, which is valid until Park is called.
func (o *Object) Tree() *yaml.Node {
	o.Document.Load()
	return o.tree
}

// Park says that the tree is not needed for a while. In a stream of very many objects it
// is let go and parsed again.
func (o *Object) Park() {
	if o.tree == o.Document.Tree { // the items of a List are in memory together
		o.Document.Park()
	}
}

// Cluster is a Cluster of the stream, and the pair that it would be.
type Cluster struct {
	*Object
	Pair topology.Pair
}

// Title names the object in messages, as in "Cluster blog/blog-db".
func (o *Object) Title() string {
	if o.Name == "" {
		return o.Kind
	}
	return o.Kind + " " + strings.TrimPrefix(o.Namespace+"/"+o.Name, "/")
}

// Group returns the API group of the object, "" for Kubernetes' own.
func (o *Object) Group() string {
	group, _, found := strings.Cut(o.APIVersion, "/")
	if !found {
		return ""
	}
	return group
}

// At says where the object is, as in "stdin:7".
func (o *Object) At() string { return position(o.Source.Name, o.Line) }

// IsCluster is true for CloudNativePG's Clusters of any version.
func (o *Object) IsCluster() bool { return o.Group() == Group && o.Kind == "Cluster" }

// IsPolicy is true for the network policies that may concern a Cluster.
func (o *Object) IsPolicy() bool { return isPolicy(o.APIVersion, o.Kind) }

// ClaimsService is true for an object whose name is that of a Service.
func (o *Object) ClaimsService() bool {
	return o.APIVersion == "v1" && o.Kind == "Service" || o.Group() == Group && o.Kind == "Pooler"
}

// Problem is a part of a stream that cannot be read, but must be.
type Problem struct {
	Object *Object // as far as it is known
	Err    error
}

// Stream is what was found in some sources, read as one stream.
type Stream struct {
	Documents []*yamledit.Document // those that have an object that matters, in order
	Objects   []*Object            // all of theirs, in order

	budget *yamledit.Budget
	order  map[*Source]int
	unread []unread // the other documents
}

// unread is a document whose objects are not in Objects.
type unread struct {
	source *Source
	piece  yamledit.Piece
	kind   string // of its only object, empty where that is not certain
}

func (u unread) text() []byte { return u.source.Data[u.piece.Body:u.piece.End] }

// mayHave is a cheap filter for the documents that have objects of a kind.
func (u unread) mayHave(kind string) bool {
	return u.kind == kind || u.kind == "" && bytes.Contains(u.text(), []byte(kind))
}

// Read finds the objects of the sources. All problems come together.
func Read(sources []Source) (*Stream, []Problem) {
	s := &Stream{budget: yamledit.NewBudget(), order: make(map[*Source]int)}
	var problems []Problem
	for i := range sources {
		source := &sources[i]
		s.order[source] = i
		if isUTF16With(source.Data, Group) {
			// no Cluster would be found in it, and nobody would know
			problems = append(problems, Problem{&Object{Source: source, Line: 1}, message.New(message.UTF16)})
			continue
		}
		for _, piece := range yamledit.Split(source.Data) {
			problems = append(problems, s.read(source, piece)...)
		}
	}
	return s, problems
}

func (s *Stream) read(source *Source, piece yamledit.Piece) []Problem {
	text := source.Data[piece.Body:piece.End]
	h := readHead(text)
	cluster := h.mayHaveCluster(text)
	if !cluster && !h.mayHaveService(text) && !h.mayHavePolicy(text) {
		s.unread = append(s.unread, unread{source, piece, h.onlyKind()})
		return nil
	}
	document, err := s.budget.Parse(source.Data, piece)
	if err != nil {
		if cluster && claimsCluster(text) {
			return []Problem{{claimed(source, piece, text), err}}
		}
		return nil // broken, but not ours to judge
	}
	if document.Tree == nil {
		return nil
	}
	var problems []Problem
	var objects []*Object
	matters := false
	for _, tree := range objectsIn(document.Tree) {
		o, err := newObject(source, document, tree)
		if err != nil && o.IsCluster() {
			problems = append(problems, Problem{o, err})
			continue
		}
		objects = append(objects, o)
		matters = matters || o.IsCluster() || o.ClaimsService() || o.IsPolicy()
	}
	if matters { // most documents that mention the group of a Cluster hold none
		s.Documents = append(s.Documents, document)
		s.Objects = append(s.Objects, objects...)
		objects[0].Park()
	} else {
		s.unread = append(s.unread, unread{source, piece, h.onlyKind()})
	}
	return problems
}

// Include reads more documents, those whose text a function wants, and puts their
// objects among the others. Those that are broken are not ours to judge.
func (s *Stream) Include(wanted func(text []byte) bool) {
	s.include(func(u unread) bool { return wanted(u.text()) })
}

// IncludeKinds does so with the documents that may have objects of some kinds.
func (s *Stream) IncludeKinds(kinds ...string) {
	s.include(func(u unread) bool { return slices.ContainsFunc(kinds, u.mayHave) })
}

func (s *Stream) include(wanted func(unread) bool) {
	left := s.unread[:0]
	for _, u := range s.unread {
		var document *yamledit.Document
		if wanted(u) {
			document, _ = s.budget.Parse(u.source.Data, u.piece)
		}
		if document == nil || document.Tree == nil {
			left = append(left, u)
			continue
		}
		for _, tree := range objectsIn(document.Tree) {
			if o, err := newObject(u.source, document, tree); err == nil {
				s.Objects = append(s.Objects, o)
				o.Park()
			}
		}
	}
	s.unread = left
	slices.SortStableFunc(s.Objects, func(a, b *Object) int {
		return cmp.Or(s.order[a.Source]-s.order[b.Source], a.Document.Start-b.Document.Start)
	})
}

// Find yields the objects of a kind in the documents whose text has one of some words.
// Documents that Read had no need of are parsed for it, one after the other: those that
// are broken are not ours to judge.
func (s *Stream) Find(kind string, words ...string) iter.Seq[*Object] {
	return func(yield func(*Object) bool) {
		for _, o := range s.Objects {
			if o.Kind == kind && !yield(o) {
				return
			}
		}
		for _, u := range s.unread {
			if !u.mayHave(kind) || !slices.ContainsFunc(words, func(word string) bool { return bytes.Contains(u.text(), []byte(word)) }) {
				continue
			}
			document, err := yamledit.Parse(u.source.Data, u.piece)
			if err != nil || document.Tree == nil {
				continue
			}
			for _, tree := range objectsIn(document.Tree) {
				if o, err := newObject(u.source, document, tree); err == nil && o.Kind == kind && !yield(o) {
					return
				}
			}
		}
	}
}

// newObject reads the identity of an object. Its error is that of a name or a
// namespace that is not a string, which only some kinds of objects need.
func newObject(source *Source, document *yamledit.Document, tree *yaml.Node) (*Object, error) {
	o := &Object{
		Source: source, Document: document, tree: tree, Line: tree.Line,
		APIVersion: yamledit.Scalar(tree, "apiVersion"), Kind: yamledit.Scalar(tree, "kind"),
	}
	var err error
	if o.Name, err = yamledit.StringAt(tree, "metadata.name"); err != nil {
		return o, err
	}
	o.Namespace, err = yamledit.StringAt(tree, "metadata.namespace")
	return o, err
}

// ObjectsOf returns the objects of a document, whatever its List is called.
func ObjectsOf(document *yamledit.Document) []*Object {
	var all []*Object
	for _, tree := range objectsIn(document.Tree) {
		o, _ := newObject(nil, document, tree)
		all = append(all, o)
	}
	return all
}

// objectsIn returns the objects of a document: the document itself, or the items
// of a List, and of Lists in it.
func objectsIn(tree *yaml.Node) []*yaml.Node {
	items := yamledit.Get(tree, "items")
	if items == nil || items.Kind != yaml.SequenceNode || !strings.HasSuffix(yamledit.Scalar(tree, "kind"), "List") {
		return []*yaml.Node{tree}
	}
	var all []*yaml.Node
	for _, item := range items.Content {
		all = append(all, objectsIn(item)...)
	}
	return all
}

// SameNamespace compares two namespaces as they are written. One that is left
// out is that of the release, which may be the other one.
func SameNamespace(a, b string) bool { return a == b || a == "" || b == "" }

// isUTF16With tells whether a stream is UTF-16, with or without a byte order
// mark, and contains some ASCII text.
func isUTF16With(stream []byte, ascii string) bool {
	marked := bytes.HasPrefix(stream, []byte("\xff\xfe")) || bytes.HasPrefix(stream, []byte("\xfe\xff"))
	if !marked && (len(stream) < 2 || (stream[0] == 0) == (stream[1] == 0)) {
		return false
	}
	wide := strings.Join(strings.Split(ascii, ""), "\x00")
	return bytes.Contains(stream, []byte(wide))
}

func isPolicy(apiVersion, kind string) bool {
	group, _, _ := strings.Cut(apiVersion, "/")
	return group == "networking.k8s.io" && kind == "NetworkPolicy" || group == "cilium.io" && kind == "CiliumNetworkPolicy"
}

// mayHaveService is a cheap filter for objects that may have the name of a Service
// of the kind that pairs need: they end with -mesh, -active, -replica-rw, -rw and the like.
func (h head) mayHaveService(text []byte) bool {
	return (!h.sure || h.isList() || h.kind == "Service" || h.kind == "Pooler") &&
		(bytes.Contains(text, []byte("-mesh")) || bytes.Contains(text, []byte("-active")) || bytes.Contains(text, []byte("-r")))
}

// mayHavePolicy is a cheap filter for network policies that select or name a
// Cluster, or that have a name which a copy may need.
func (h head) mayHavePolicy(text []byte) bool {
	return (!h.sure || h.isList() || isPolicy(h.apiVersion, h.kind)) && bytes.Contains(text, []byte("NetworkPolicy")) &&
		(bytes.Contains(text, []byte("cnpg.io")) || bytes.Contains(text, []byte(topology.ReplicaSuffix)))
}
