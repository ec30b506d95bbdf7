package postrender

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Pair is what [Expand] makes of a Cluster.
type Pair[T any] struct {
	Primary T // the primary, or the Cluster as it was; the zero value on the side of the replica
	Replica T // the replica; the zero value on the side of the primary, and unless Decision.Action is Paired

	// Services are the YAML texts of the Services that stand for a half in
	// another Kubernetes cluster; see Config.Side.
	Services []string

	Decision Decision // what was done, and why
}

// Expand makes a pair of one Cluster, for programs that create Clusters
// themselves: the very pair that a [Renderer] makes of the same Cluster in a
// stream. The Cluster is either its YAML or JSON text, as []byte or string, or
// a Go value that encodes to the Cluster's JSON and back: a CNPG API object, a
// pointer to one, an unstructured object, a map.
//
// With the trio off, and for a Cluster that is left alone, Primary is the
// Cluster itself. A trio that is on but not valid, and a Cluster that cannot be
// paired, leave it single too, with the reason in Decision; with Config.Strict
// they are errors, and while another half than the primary is active all of
// these are, as with [Renderer.Render].
func Expand[T any](cfg Config, cluster T) (Pair[T], error) {
	pair := Pair[T]{Primary: cluster}
	text, err := clusterText(&cluster)
	if err != nil {
		return pair, err
	}
	source := Source{Name: "cluster", Data: text}
	s, err := readStream([]Source{source})
	if err != nil {
		return pair, err
	}
	if len(s.candidates) != 1 || s.candidates[0].doc.tree != s.candidates[0].tree {
		return pair, &Error{Source: source.Name, Err: errors.New("expected one Cluster of " + apiGroup)}
	}
	c := s.candidates[0]
	decisions, err := New(cfg).judge(s)
	if err != nil {
		return pair, err
	}
	pair.Decision = decisions[0]
	if pair.Decision.Action != Paired {
		return pair, nil
	}
	change, err := c.change(cfg.normal())
	if err != nil {
		return pair, err
	}
	edits, behind, err := c.doc.texts(change)
	if err != nil {
		return pair, c.fail(err)
	}
	var none T
	pair.Primary = none
	for i, text := range append([][]byte{apply(c.doc.text, 0, len(c.doc.text), edits)}, behind...) {
		tree := change.inPlace
		if i > 0 {
			tree = change.behind[i-1]
		}
		name, _ := stringAt(tree, "metadata.name")
		switch {
		case scalar(tree, "kind") != "Cluster":
			pair.Services = append(pair.Services, string(text))
		case name == c.replica:
			pair.Replica, err = clusterFrom[T](text)
		default:
			pair.Primary, err = clusterFrom[T](text)
		}
		if err != nil {
			return pair, err
		}
	}
	return pair, nil
}

// clusterText takes a pointer, because some objects encode themselves by a
// method of their pointer only.
func clusterText(cluster any) ([]byte, error) {
	switch c := cluster.(type) {
	case *[]byte:
		return *c, nil
	case *string:
		return []byte(*c), nil
	}
	text, err := json.Marshal(cluster)
	if err != nil {
		return nil, fmt.Errorf("encode the Cluster: %w", err)
	}
	var head struct{ APIVersion, Kind string }
	if err := json.Unmarshal(text, &head); err == nil && head.APIVersion == "" && head.Kind == "" {
		// Go programs seldom fill in the type of a typed object
		fields := strings.TrimPrefix(string(text), "{")
		text = []byte(`{"apiVersion":"` + apiGroup + `/v1","kind":"Cluster",` + fields)
	}
	return text, nil
}

func clusterFrom[T any](text []byte) (cluster T, err error) {
	switch c := any(&cluster).(type) {
	case *[]byte:
		*c = text
	case *string:
		*c = string(text)
	default:
		if err = json.Unmarshal(text, &cluster); err != nil {
			err = fmt.Errorf("decode the Cluster: %w", err)
		}
	}
	return cluster, err
}
