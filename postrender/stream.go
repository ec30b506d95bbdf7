package postrender

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// candidate is a Cluster in a stream, and what was decided about it.
type candidate struct {
	*cluster
	doc      *document
	decision Decision
	failed   bool // it was found to be malformed
}

func (c *candidate) apiVersion() string { return scalar(c.tree, "apiVersion") }

// fail makes an [*Error] about the Cluster.
func (c *candidate) fail(err error) *Error {
	e := c.doc.locate(err)
	e.Line = max(e.Line, c.decision.Line)
	e.Object = c.title()
	c.failed = true
	return e
}

// cannotBePaired is the warning, or the error, for a Cluster that stays single
// although a pair is asked for.
func (c *candidate) cannotBePaired() *Error {
	return &Error{
		Source: c.decision.Source, Line: c.decision.Line, Object: c.title(),
		Err: fmt.Errorf("%s: %s", CannotBePaired, c.decision.Reason), Cure: c.decision.cure,
	}
}

// sameNamespace compares two namespaces as they are written. One that is left
// out is that of the release, which may be the other one.
func sameNamespace(a, b string) bool { return a == b || a == "" || b == "" }

// holder is what holds the name of a Service: a Service, a Pooler, or the
// Cluster of that name, which declares it.
type holder struct{ namespace, cluster, what string }

// stream is what the Clusters of a stream are judged by.
type stream struct {
	documents    []*document             // those that were parsed
	candidates   []*candidate            // in the order of the stream
	clusters     map[string][]*candidate // by name
	services     map[string][]holder     // by name
	followed     map[string][]*candidate // the followers, by the name of their source
	followedHost map[string][]*candidate // the followers, by the Service that they connect to
	policies     []*policy               // those that may concern a pair
}

// inNamespace returns the first of some Clusters that may be in a namespace.
func inNamespace(clusters []*candidate, namespace string) *candidate {
	for _, c := range clusters {
		if sameNamespace(c.namespace, namespace) {
			return c
		}
	}
	return nil
}

// readStream finds the Clusters and whatever their pairs might collide with.
// All errors of a stream come together.
func readStream(sources []Source) (*stream, error) {
	s := &stream{
		clusters:     make(map[string][]*candidate),
		services:     make(map[string][]holder),
		followed:     make(map[string][]*candidate),
		followedHost: make(map[string][]*candidate),
	}
	var failed []error
	for i := range sources {
		source := &sources[i]
		if holdsUTF16(source.Data, apiGroup) {
			// no Cluster would be found in it, and nobody would know
			failed = append(failed, &Error{Source: source.Name, Line: 1, Err: errors.New("the stream is UTF-16"), Cure: "write it as UTF-8; PowerShell's > does not"})
			continue
		}
		for _, p := range split(source.Data) {
			text := source.Data[p.body:p.end]
			cluster := mayHoldCluster(text)
			if !cluster && !mayHoldService(text) && !mayHoldPolicy(text) {
				continue
			}
			d, err := parse(source, p)
			if err == nil {
				err = s.add(d)
			} else if !cluster || !claimsCluster(text) {
				err = nil // broken, but not ours to judge
			}
			failed = append(failed, err)
		}
	}
	return s, errors.Join(failed...)
}

// holdsUTF16 tells whether a stream is UTF-16, with or without a byte order mark,
// and holds some ASCII text.
func holdsUTF16(stream []byte, ascii string) bool {
	marked := bytes.HasPrefix(stream, []byte("\xff\xfe")) || bytes.HasPrefix(stream, []byte("\xfe\xff"))
	if !marked && (len(stream) < 2 || (stream[0] == 0) == (stream[1] == 0)) {
		return false
	}
	wide := strings.Join(strings.Split(ascii, ""), "\x00")
	return bytes.Contains(stream, []byte(wide))
}

// mayHoldService is a cheap filter for objects that hold the name of a Service
// of the kind that pairs need.
func mayHoldService(text []byte) bool {
	if !bytes.Contains(text, []byte("-mesh")) && !bytes.Contains(text, []byte(replicaSuffix)) {
		return false
	}
	h := readHead(text)
	return !h.sure || h.isList() || h.kind == "Service" || h.kind == "Pooler"
}

// add takes the objects of a document into the stream.
func (s *stream) add(d *document) error {
	s.documents = append(s.documents, d)
	var failed []error
	for _, tree := range d.objects() {
		c, err := newCluster(tree)
		if err != nil {
			c = &cluster{}
		}
		line := d.streamLine(tree.Line)
		group, _, _ := strings.Cut(scalar(tree, "apiVersion"), "/")
		switch kind := scalar(tree, "kind"); {
		case kind == "Service" && group == "v1", kind == "Pooler" && group == apiGroup:
			what := fmt.Sprintf("%s %s (%s:%d)", kind, c.name, d.source.Name, line)
			s.services[c.name] = append(s.services[c.name], holder{c.namespace, "", what})
		case isPolicy(group, kind):
			s.policies = append(s.policies, newPolicy(d, tree))
		case kind == "Cluster" && group == apiGroup:
			found := &candidate{cluster: c, doc: d, decision: Decision{
				Source: d.source.Name, Line: line, Namespace: c.namespace, Name: c.name,
			}}
			if err == nil {
				err = s.addCluster(found)
			}
			if err != nil {
				failed = append(failed, found.fail(err))
			}
		}
	}
	return errors.Join(failed...)
}

func (s *stream) addCluster(c *candidate) error {
	s.candidates = append(s.candidates, c)
	s.clusters[c.name] = append(s.clusters[c.name], c)
	labels, _ := mappingAt(c.tree, "metadata.labels")
	if pair := scalar(labels, labelPair); pair != "" && pair != c.name {
		s.clusters[pair] = append(s.clusters[pair], c) // on its side it stands for the other half too
	}
	services, err := c.services()
	if err != nil {
		return err
	}
	for _, service := range services {
		s.services[service] = append(s.services[service], holder{c.namespace, c.name, "a Service of " + c.title()})
	}
	if replica, err := c.isReplica(Config{}, s); replica == nil {
		return err
	}
	source, err := stringAt(c.tree, "spec.replica.source")
	if err != nil {
		return err
	}
	if source != "" && source != c.name {
		s.followed[source] = append(s.followed[source], c)
	}
	external, err := mappingsAt(c.tree, "spec.externalClusters")
	if err != nil {
		return err
	}
	for _, e := range external {
		if scalar(e, "name") != source {
			continue
		}
		host, _ := stringAt(e, "connectionParameters.host")
		service, domain, _ := strings.Cut(host, ".")
		if namespace, _, _ := strings.Cut(domain, "."); sameNamespace(namespace, c.namespace) {
			s.followedHost[service] = append(s.followedHost[service], c)
		}
	}
	return nil
}
