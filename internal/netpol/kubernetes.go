package netpol

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// labelNamespaceName is on every Namespace.
const labelNamespaceName = "kubernetes.io/metadata.name"

// kubernetes is the dialect of NetworkPolicies in a namespace. They know nothing of
// other Kubernetes clusters: a peer has the Pods with its labels wherever they run.
type kubernetes struct{ namespace string }

func (kubernetes) label(key string) string { return key }

func (kubernetes) specs(policy *yaml.Node) ([]*yaml.Node, error) {
	spec, err := yamledit.MappingAt(policy, "spec")
	if spec == nil {
		return nil, err
	}
	return []*yaml.Node{spec}, nil
}

func (kubernetes) keepSpecs(*yaml.Node, map[*yaml.Node]bool) {} // there is only one

func (kubernetes) subjectKey() string { return "podSelector" }

func (kubernetes) isolates(spec *yaml.Node, d direction) (bool, error) {
	rules, err := itemsAt(spec, string(d))
	if err != nil {
		return false, err
	}
	types, err := yamledit.SequenceAt(spec, "policyTypes")
	if isEmpty(types) { // Kubernetes' default
		return d == ingress || len(rules) > 0, err
	}
	return slices.ContainsFunc(types.Content, func(n *yaml.Node) bool { return strings.EqualFold(n.Value, string(d)) }), nil
}

func (kubernetes) sections(d direction) []string { return []string{string(d)} }

func (kubernetes) peersKey(d direction) string {
	if d == ingress {
		return "from"
	}
	return "to"
}

func (kubernetes) checkPeer(peer *yaml.Node) error {
	if err := checkSelector(peer, "podSelector"); err != nil {
		return err
	}
	return checkSelector(peer, "namespaceSelector")
}

func (k kubernetes) pods(peer *yaml.Node) selector {
	return selector{yamledit.Get(peer, "podSelector"), k.label}
}

func (k kubernetes) mayBeIn(peer *yaml.Node, namespace string) bool {
	namespaces := yamledit.Get(peer, "namespaceSelector")
	if yamledit.IsNull(namespaces) {
		return manifest.SameNamespace(k.namespace, namespace)
	}
	return namespace == "" || selector{namespaces, k.label}.matches(labelNamespaceName, namespace)
}

func (k kubernetes) peerFor(_, peer *yaml.Node, c *Cluster, m topology.Member) (*yaml.Node, error) {
	if k.pods(peer).matchesCluster(m.Name) {
		return nil, nil
	}
	beside := yamledit.Clone(peer)
	k.pods(beside).selectOnly(m.Name)
	k.pods(beside).move(c.Pair.Primary, m)
	return beside, nil
}

func (k kubernetes) newRule(d direction, key string, _ *Cluster, m topology.Member, ports []port) (*yaml.Node, error) {
	numbers := yamledit.List()
	for _, port := range ports {
		numbers.Content = append(numbers.Content, yamledit.Map("port", yamledit.Int(port.number), "protocol", "TCP"))
	}
	peer := yamledit.Map("podSelector", yamledit.Map("matchLabels", yamledit.Map(key, m.Name)))
	return yamledit.Map(k.peersKey(d), yamledit.List(peer), "ports", numbers), nil
}

func (k kubernetes) allows(rule *yaml.Node, d direction, _ *Cluster, m topology.Member, at port) bool {
	peers := yamledit.Get(rule, k.peersKey(d))
	return havePort(yamledit.Get(rule, "ports"), at) &&
		(isEmpty(peers) || slices.ContainsFunc(peers.Content, func(peer *yaml.Node) bool {
			pods := k.pods(peer)
			return yamledit.Get(peer, "ipBlock") == nil && yamledit.IsNull(yamledit.Get(peer, "namespaceSelector")) &&
				!yamledit.IsNull(pods.node) && pods.asksOnly(labelCluster) && pods.matchesCluster(m.Name)
		}))
}
