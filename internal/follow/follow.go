// Package follow finds the places of a stream that lead applications to the primary
// of a pair by name: the Services that the operator makes for it, and the secret in
// which it writes the name of one.
//
// A Pooler of a pair has such a Service too.
//
// Goals: each place with its line, and what the name leads to. Names are compared as
// whole DNS names, in the values of an object, in texts within them, and in Secrets
// after decoding. Non-goals: labels and the names of objects, which lead nowhere, and
// comments.
package follow

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
)

// Kind is how a place names something.
type Kind string

const (
	Host         Kind = "host"          // a Service, in a value
	SecretKey    Kind = "secret-key"    // a key of the secret, as a variable
	SecretEnv    Kind = "secret-env"    // all keys of the secret, as variables
	SecretVolume Kind = "secret-volume" // the secret, as files
	SecretName   Kind = "secret-name"   // the secret, in another value
	Pooler       Kind = "pooler"        // the Cluster itself, whose Pooler this is
)

// Leads is what a place leads to.
type Leads string

const (
	Writes Leads = "writes" // the primary instance of the primary
	Reads  Leads = "reads"  // instances of the primary that may be standbys
	Login  Leads = "login"  // nothing: it is the same for both members
)

// Place is a place that names a Service or the secret of a Cluster.
type Place struct {
	Object *manifest.Object
	Path   string // as in spec.template.spec.containers[0].env[1]
	Line   int    // of the stream

	Cluster *Cluster
	Kind    Kind
	Name    string // as it is written
	Key     string // of the secret
	Leads   Leads
	Becomes string // the write address, or that of the Pooler, where it follows

	pooler    *manifest.Pooler // whose Service it names, nil for those of the Cluster
	ofHost    bool             // the key of the value says that it is a host
	node      *yaml.Node       // the value that names it
	variable  *yaml.Node       // the item of a container's env that the value is in
	container *yaml.Node
}

// Forget lets go of the tree of the object.
func (p *Place) Forget() { p.node, p.variable, p.container = nil, nil, nil }

// Cluster is a Cluster that is paired.
type Cluster struct {
	*manifest.Object
	Pair   topology.Pair
	Secret string // that the operator writes the name of a Service into; empty where the chart brings one

	Database string // of the application
}

// word is a name that leads to a Cluster.
type word struct {
	cluster *Cluster
	leads   Leads
	secret  bool
	pooler  *manifest.Pooler // whose Service it is
}

// Finder finds the places that name some Clusters.
type Finder struct {
	words    map[string][]word
	poolers  map[string]bool       // their names
	clusters map[string][]*Cluster // by name
}

// services are what the names of the Services of a Cluster end with.
var services = map[string]Leads{"-rw": Writes, "-ro": Reads, "-r": Reads}

// NewFinder returns a finder of the places that name these Clusters, and Poolers of theirs.
func NewFinder(clusters []*Cluster, poolers []*manifest.Pooler) *Finder {
	f := &Finder{make(map[string][]word), make(map[string]bool), make(map[string][]*Cluster)}
	for _, c := range clusters {
		f.clusters[c.Name] = append(f.clusters[c.Name], c)
		for suffix, leads := range services {
			f.words[c.Name+suffix] = append(f.words[c.Name+suffix], word{cluster: c, leads: leads})
		}
		if c.Secret != "" {
			f.words[c.Secret] = append(f.words[c.Secret], word{cluster: c, leads: Writes, secret: true})
		}
	}
	f.addPoolers(poolers)
	return f
}

// MayFind is a cheap and generous filter for the texts of documents.
func (f *Finder) MayFind(text []byte) bool {
	return f.mentions(text) || bytes.Contains(text, []byte("Secret")) && f.encodes(text)
}

// mostOfLabel is how many characters a label of a DNS name may have.
const mostOfLabel = 63

// mentions tells whether one of the words is a label of a DNS name in a text. Those of a
// Cluster end with -rw, -ro, -r or -app.
func (f *Finder) mentions(text []byte) bool {
	return f.mentionsPooler(text) || f.mentionsEnding(text, "-r") || f.mentionsEnding(text, "-app")
}

func (f *Finder) mentionsEnding(text []byte, ending string) bool {
	for from := 0; ; {
		next := bytes.Index(text[from:], []byte(ending))
		if next < 0 {
			return false
		}
		start, end := from+next, from+next+len(ending)
		from = end
		if ending == "-r" && end < len(text) && (text[end] == 'w' || text[end] == 'o') {
			end++
		}
		if end < len(text) && isOfLabel(text[end]) {
			continue
		}
		for start > 0 && isOfLabel(text[start-1]) && end-start < mostOfLabel {
			start--
		}
		if isWord := func(label []byte) bool { return f.words[string(label)] != nil }; labelOrRest(text, start, end, isWord) {
			return true
		}
	}
}

// labelOrRest asks about a label in a text, and where it stands behind the beginning of an
// escape, which has some of its characters, about the rest of it too.
func labelOrRest(text []byte, start, end int, is func(label []byte) bool) bool {
	const longestEscape = len("U00000000")
	if is(text[start:end]) {
		return true
	}
	for i := start + 1; start > 0 && text[start-1] == '\\' && i < end && i <= start+longestEscape; i++ {
		if is(text[i:end]) {
			return true
		}
	}
	return false
}

// encodes tells whether a text has a value in Base64 that has one of the words. Such a
// value may go on for several lines.
func (f *Finder) encodes(text []byte) bool {
	var value, decoded []byte
	found := func() bool { // of what is no value at the end, as the next key, the rest is decoded
		decoded = slices.Grow(decoded[:0], base64.StdEncoding.DecodedLen(len(value)))
		decoded = decoded[:base64.StdEncoding.DecodedLen(len(value))]
		n, _ := base64.StdEncoding.Decode(decoded, value)
		value = value[:0]
		return f.mentions(decoded[:n])
	}
	for _, c := range text {
		switch {
		case isAlphanumeric(c) || c == '+' || c == '/' || c == '=':
			value = append(value, c)
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		case found():
			return true
		}
	}
	return found()
}

// Find returns the places of an object, in the order of its lines.
func (f *Finder) Find(o *manifest.Object) []Place {
	w := &walker{Finder: f, object: o, seen: make(map[Place]bool)}
	tree := o.Tree()
	for i := 0; i+1 < len(tree.Content); i += 2 {
		key, value := tree.Content[i], tree.Content[i+1]
		switch key.Value {
		case "apiVersion", "kind", "metadata", "status":
		default:
			if o.APIVersion == "v1" && o.Kind == "Secret" && key.Value == "data" {
				w.encoded(value)
			} else {
				w.node(value, &at{nil, key.Value, -1})
			}
		}
	}
	w.pooler()
	return w.places
}

// hostAt is a name of a Service in a text.
type hostAt struct {
	word
	from, to int // of the label that is the name
	name     string
}

// hosts finds the names of Services in a text that is in a namespace. ofHost is true where
// its key says that it is a host.
func (f *Finder) hosts(text, namespace string, ofHost bool) []hostAt {
	var all []hostAt
	for from := 0; from < len(text); {
		if !isOfName(text[from]) {
			from++
			continue
		}
		to := from
		for to < len(text) && isOfName(text[to]) {
			to++
		}
		path := from > 0 && text[from-1] == '/' && (from < 2 || text[from-2] != '/')
		label, domain, _ := strings.Cut(text[from:to], ".")
		if words := f.words[label]; len(words) > 0 && !path {
			for _, word := range words {
				if !word.secret && inNamespace(domain, namespace, word.namespace()) && (word.pooler == nil || isHost(text, from, to, ofHost)) {
					all = append(all, hostAt{word, from, from + len(label), strings.TrimSuffix(text[from:to], ".")})
					break
				}
			}
		}
		from = to
	}
	return all
}

// inNamespace tells whether what follows the first label of a DNS name means a Service
// of a Cluster's namespace. One that is left out is that of the release.
func inNamespace(domain, namespace, cluster string) bool {
	domain = strings.TrimSuffix(domain, ".")
	if domain == "" {
		return manifest.SameNamespace(namespace, cluster)
	}
	named, rest, _ := strings.Cut(domain, ".")
	if rest != "" && rest != "svc" && !strings.HasPrefix(rest, "svc.") {
		return false
	}
	if cluster == "" { // the same one, as far as is known
		cluster = namespace
	}
	return manifest.SameNamespace(named, cluster)
}

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z'
}

// isOfLabel tells whether a character may be one of a label of a DNS name.
func isOfLabel(c byte) bool { return isAlphanumeric(c) || c == '-' }

// isOfName tells whether a character may be one of a DNS name, or of a word that only
// looks like a part of one.
func isOfName(c byte) bool { return isOfLabel(c) || c == '.' || c == '_' }

// secretOf returns the Cluster whose secret has a name in a namespace.
func (f *Finder) secretOf(name, namespace string) *Cluster {
	for _, word := range f.words[name] {
		if word.secret && manifest.SameNamespace(namespace, word.cluster.Namespace) {
			return word.cluster
		}
	}
	return nil
}

// leadsOf tells what the value of a key of the secret leads to.
func leadsOf(key string) Leads {
	switch key {
	case "username", "user", "password", "dbname", "port":
		return Login
	}
	return Writes
}
