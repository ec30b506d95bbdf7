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

// objectKey is a namespace, as written, and a name.
type objectKey struct{ namespace, name string }

// holder is what holds the name of a Service: a Service, a Pooler, or the
// Cluster of that name, which declares it.
type holder struct{ name, what string }

// stream is what the Clusters of a stream are judged by.
type stream struct {
	candidates   []*candidate // in the order of the stream
	clusters     map[objectKey]*candidate
	services     map[objectKey][]holder
	followed     map[objectKey]*candidate // the follower, by the name of its source
	followedHost map[objectKey]*candidate // the follower, by the Service that it connects to
}

// readStream finds the Clusters and whatever their pairs might collide with.
// All errors of a stream come together.
func readStream(sources []Source) (*stream, error) {
	s := &stream{
		clusters:     make(map[objectKey]*candidate),
		services:     make(map[objectKey][]holder),
		followed:     make(map[objectKey]*candidate),
		followedHost: make(map[objectKey]*candidate),
	}
	var failed []error
	for i := range sources {
		source := &sources[i]
		if bytes.HasPrefix(source.Data, []byte("\xff\xfe")) || bytes.HasPrefix(source.Data, []byte("\xfe\xff")) {
			// no Cluster would be found in it, and nobody would know
			failed = append(failed, &Error{Source: source.Name, Line: 1, Err: errors.New("the stream is UTF-16"), Cure: "write it as UTF-8; PowerShell's > does not"})
			continue
		}
		for _, p := range split(source.Data) {
			text := source.Data[p.body:p.end]
			cluster := mayHoldCluster(text)
			if !cluster && !mayHoldService(text) {
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
	var failed []error
	for _, tree := range d.objects() {
		c, err := newCluster(tree)
		if err != nil {
			c = &cluster{}
		}
		line := d.streamLine(tree.Line)
		key := objectKey{c.namespace, c.name}
		group, _, _ := strings.Cut(scalar(tree, "apiVersion"), "/")
		switch kind := scalar(tree, "kind"); {
		case kind == "Service" && group == "v1", kind == "Pooler" && group == apiGroup:
			s.services[key] = append(s.services[key], holder{what: fmt.Sprintf("%s %s (%s:%d)", kind, c.name, d.source.Name, line)})
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
	s.clusters[objectKey{c.namespace, c.name}] = c
	services, err := c.services()
	if err != nil {
		return err
	}
	for _, service := range services {
		key := objectKey{c.namespace, service}
		s.services[key] = append(s.services[key], holder{c.name, "a Service of " + c.title()})
	}
	if replica, err := c.isReplica(Config{}, s); replica == nil {
		return err
	}
	source, err := stringAt(c.tree, "spec.replica.source")
	if err != nil {
		return err
	}
	if source != "" && source != c.name {
		s.followed[objectKey{c.namespace, source}] = c
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
		if namespace, _, _ := strings.Cut(domain, "."); namespace == "" || c.namespace == "" || namespace == c.namespace {
			s.followedHost[objectKey{c.namespace, service}] = c
		}
	}
	return nil
}
