package postrender

import (
	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/expand"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// checkState fails for a member of a pair that was rendered for another state than
// the settings ask for, as in what helm get manifest prints: left alone, as a pair
// at rest is, it would be applied as it was.
func checkState(s *selection, c *candidate) (*message.Message, error) {
	labels, err := yamledit.MappingAt(c.Tree(), "metadata.labels")
	if err != nil {
		return nil, err
	}
	role, name := yamledit.Scalar(labels, expand.LabelRole), yamledit.Scalar(labels, expand.LabelPair)
	if role == "" || name == "" {
		return nil, nil
	}
	pair := s.topology.Pair(name, true)
	have, ours, err := stateOf(c.Tree(), topology.Role(role))
	if err != nil || !ours && pair.Step == topology.AtRest { // of whoever made it
		return nil, err
	}
	want := pair.State(pair.Primary)
	if role == string(topology.Replica) {
		want = pair.State(pair.Replica)
	}
	have.Promoted = have.Token != ""
	known := want // only the promoted member knows of the token
	known.Promoted = want.Token != ""
	if have != known {
		return nil, message.New(message.OtherState, "have", have.String(), "want", want.String())
	}
	return nil, nil
}

// stateOf returns the state for which a member was rendered. It is ours if it is
// not at rest, which only cnpg-pair writes down.
func stateOf(cluster *yaml.Node, role topology.Role) (have topology.State, ours bool, err error) {
	annotations, err := yamledit.MappingAt(cluster, "metadata.annotations")
	if err != nil {
		return have, false, err
	}
	replica, err := yamledit.MappingAt(cluster, "spec.replica")
	if err != nil {
		return have, false, err
	}
	have = topology.State{
		Active:   yamledit.Scalar(annotations, expand.AnnotationActive),
		Failover: yamledit.Scalar(annotations, expand.AnnotationFailover) == topology.FailoverNow,
		Token:    yamledit.Scalar(replica, "promotionToken"),
	}
	if have.Active != "" {
		return have, true, nil
	}
	enabled := yamledit.Get(replica, "enabled")
	have.Active = topology.ActivePrimary
	switch { // versions before the annotation
	case role == topology.Primary && yamledit.IsTrue(enabled):
		have.Active = topology.ActiveNone
	case role == topology.Replica && yamledit.IsFalse(enabled):
		have.Active = topology.ActiveReplica
	}
	return have, false, nil
}
