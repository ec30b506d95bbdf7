package postrender

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/openova-io/helm-cnpg-pair/internal/expand"
	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// Pair is what [Expand] makes of a Cluster.
type Pair[T any] struct {
	Primary T // the primary, or the Cluster as it was; the zero value on the side of the replica
	Replica T // the replica; the zero value on the side of the primary, and unless Decision.Action is Paired

	// Services are the YAML or JSON texts of the Services of the pair: those that
	// represent a member in another Kubernetes cluster, or have the names of the primary's
	// there (see Config.Side), and last the write address.
	Services []string

	Decision Decision // what was done, and why
}

// Expand makes a pair of one Cluster: exactly the pair that a [Renderer] makes of
// the same Cluster in a stream. The Cluster is either its YAML or JSON text, as []byte
// or string, or a Go value that encodes to the Cluster's JSON and back: a CNPG API
// object, a pointer to one, an unstructured object, a map.
//
// With hot standby off, and for a Cluster that is left alone, Primary is the Cluster
// itself. Hot-standby settings that are not valid, and a Cluster that cannot be
// paired, leave it single too, with the reason in Decision, where [Renderer.Render]
// warns; where Render fails, Expand does, with the same errors.
func Expand[T any](cfg Config, cluster T) (Pair[T], error) {
	pair := Pair[T]{Primary: cluster}
	text, err := encodeCluster(&cluster)
	if err != nil {
		return pair, err
	}
	source := Source{Name: "cluster", Data: text}
	p, err := New(cfg).process([]Source{source}, false)
	if err != nil {
		return pair, err
	}
	candidates := p.selection.candidates
	if len(candidates) != 1 || candidates[0].Document.Tree != candidates[0].Tree() {
		return pair, &Error{Source: source.Name, Err: message.New(message.ExpectedOneCluster)}
	}
	pair.Decision = p.result.Decisions[0]
	if pair.Decision.Action != Paired {
		return pair, nil
	}
	var none T
	pair.Primary = none
	expanded := yamledit.Apply(text, p.result.edits[0])
	for _, piece := range yamledit.Split(expanded) {
		if err := pair.take(expanded, piece); err != nil {
			return pair, err
		}
	}
	return pair, nil
}

// take puts a document of the expanded stream where it belongs.
func (p *Pair[T]) take(stream []byte, piece yamledit.Piece) (err error) {
	document, err := yamledit.Parse(stream, piece)
	if err != nil || document.Tree == nil {
		return err
	}
	text := bytes.TrimLeft(stream[piece.Body:piece.End], "\r\n")
	labels, _ := yamledit.MappingAt(document.Tree, "metadata.labels")
	switch {
	case yamledit.Scalar(document.Tree, "kind") != "Cluster":
		p.Services = append(p.Services, string(text))
	case yamledit.Scalar(labels, expand.LabelRole) == "replica":
		p.Replica, err = decodeCluster[T](text)
	default:
		p.Primary, err = decodeCluster[T](text)
	}
	return err
}

// encodeCluster takes a pointer, because some objects encode themselves by a method
// of their pointer only.
func encodeCluster(cluster any) ([]byte, error) {
	switch c := cluster.(type) {
	case *[]byte:
		return *c, nil
	case *string:
		return []byte(*c), nil
	}
	text, err := json.Marshal(cluster)
	if err != nil {
		return nil, message.Wrap(message.EncodeCluster, err)
	}
	var head struct{ APIVersion, Kind string }
	if err := json.Unmarshal(text, &head); err == nil && head.APIVersion == "" && head.Kind == "" {
		// Go programs seldom fill in the type of a typed object
		fields := strings.TrimPrefix(string(text), "{")
		text = []byte(`{"apiVersion":"` + manifest.Group + `/v1","kind":"Cluster",` + fields)
	}
	return text, nil
}

func decodeCluster[T any](text []byte) (cluster T, err error) {
	switch c := any(&cluster).(type) {
	case *[]byte:
		*c = text
	case *string:
		*c = string(text)
	default:
		if err = json.Unmarshal(text, &cluster); err != nil {
			err = message.Wrap(message.DecodeCluster, err)
		}
	}
	return cluster, err
}
