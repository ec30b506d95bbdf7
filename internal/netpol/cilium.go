package netpol

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// The labels by which Cilium tells the namespace and the Kubernetes cluster of a
// Pod. A selector that does not ask for the first selects in the namespace of the
// policy. One that does not ask for the second selects in the local cluster since
// Cilium 1.19, and selected in all of them before (policy-default-local-cluster;
// Cilium's documentation, "Cluster Mesh", "Network Policy").
const (
	labelPodNamespace = "io.kubernetes.pod.namespace"
	labelPodCluster   = "io.cilium.k8s.policy.cluster"
)

// cilium is the dialect of CiliumNetworkPolicies in a namespace. A peer in another
// Kubernetes cluster has to be asked for with the name of that cluster.
type cilium struct{ namespace string }

// label takes the source of a label off its key.
func (cilium) label(key string) string {
	return strings.TrimPrefix(strings.TrimPrefix(key, "k8s:"), "any:")
}

func (cilium) specs(policy *yaml.Node) ([]*yaml.Node, error) {
	spec, err := yamledit.MappingAt(policy, "spec")
	if err != nil {
		return nil, err
	}
	specs, err := yamledit.MappingsAt(policy, "specs")
	if err != nil || spec == nil {
		return specs, err
	}
	return append([]*yaml.Node{spec}, specs...), nil
}

func (cilium) keepSpecs(policy *yaml.Node, kept map[*yaml.Node]bool) {
	if specs := yamledit.Get(policy, "specs"); specs != nil {
		specs.Content = slices.DeleteFunc(specs.Content, func(spec *yaml.Node) bool { return !kept[spec] })
		if len(specs.Content) == 0 {
			yamledit.Remove(policy, "specs")
		}
	}
	if !kept[yamledit.Get(policy, "spec")] {
		yamledit.Remove(policy, "spec")
	}
}

// subjectKey: a spec with a nodeSelector instead selects no Pods.
func (cilium) subjectKey() string { return "endpointSelector" }

func (cilium) isolates(spec *yaml.Node, d direction) (bool, error) {
	allowed, err := itemsAt(spec, string(d))
	if err != nil {
		return false, err
	}
	isolates, err := yamledit.At(spec, "enableDefaultDeny."+string(d))
	if err != nil {
		return false, err
	}
	if isolates != nil {
		return yamledit.IsTrue(isolates), nil
	}
	denied, err := itemsAt(spec, string(d)+"Deny")
	return len(allowed) > 0 || len(denied) > 0, err
}

func (cilium) sections(d direction) []string { return []string{string(d), string(d) + "Deny"} }

func (cilium) peersKey(d direction) string {
	if d == ingress {
		return "fromEndpoints"
	}
	return "toEndpoints"
}

func (cilium) checkPeer(peer *yaml.Node) error { return checkShape(peer) }

func (c cilium) pods(peer *yaml.Node) selector { return selector{peer, c.label} }

func (c cilium) mayBeIn(peer *yaml.Node, namespace string) bool {
	if len(c.pods(peer).requirements(labelPodNamespace)) == 0 {
		return manifest.SameNamespace(c.namespace, namespace)
	}
	return namespace == "" || c.pods(peer).matches(labelPodNamespace, namespace)
}

func (c cilium) peerFor(spec, peer *yaml.Node, of *Cluster, m topology.Member) (*yaml.Node, error) {
	remote := !m.Here && len(c.pods(peer).requirements(labelPodCluster)) == 0
	if remote && len(of.Pair.PeerClusters) == 0 {
		subject := yamledit.Get(spec, c.subjectKey())
		if subject != nil && (selector{subject, c.label}).asksOnly() { // every Pod, those of the pair too
			return nil, noPeerClusters(of, m)
		}
		remote = false
	}
	if c.pods(peer).matchesCluster(m.Name) && !remote {
		return nil, nil
	}
	beside := yamledit.Clone(peer)
	c.pods(beside).selectOnly(m.Name)
	c.pods(beside).move(of.Pair.Primary, m)
	if remote {
		c.inPeerClusters(beside, of)
	}
	return beside, nil
}

func (c cilium) newRule(d direction, key string, of *Cluster, m topology.Member, ports []port) (*yaml.Node, error) {
	if !m.Here && len(of.Pair.PeerClusters) == 0 {
		return nil, noPeerClusters(of, m)
	}
	peer := yamledit.Map("matchLabels", yamledit.Map(key, m.Name))
	if !m.Here {
		c.inPeerClusters(peer, of)
	}
	numbers := yamledit.List()
	for _, port := range ports {
		numbers.Content = append(numbers.Content, yamledit.Map("port", strconv.Itoa(port.number), "protocol", "TCP"))
	}
	return yamledit.Map(c.peersKey(d), yamledit.List(peer), "toPorts", yamledit.List(yamledit.Map("ports", numbers))), nil
}

// inPeerClusters makes a peer one of the other side's Kubernetes clusters. The
// namespace may have another name there.
func (c cilium) inPeerClusters(peer *yaml.Node, of *Cluster) {
	if len(c.pods(peer).requirements(labelPodNamespace)) == 0 {
		yamledit.Append(peer, "matchExpressions", yamledit.Map("key", "k8s:"+labelPodNamespace, "operator", "Exists"))
	}
	yamledit.Append(peer, "matchExpressions", yamledit.Map("key", "k8s:"+labelPodCluster, "operator", "In", "values", stringList(of.Pair.PeerClusters)))
}

func noPeerClusters(of *Cluster, m topology.Member) error {
	return message.New(message.NoPeerClusters, "cluster", of.Title(), "side", of.Pair.Side, "member", m.Name)
}

func (c cilium) allows(rule *yaml.Node, d direction, of *Cluster, m topology.Member, at port) bool {
	if yamledit.IsNull(rule) {
		return false
	}
	anyPeer, allowed := true, false
	for i := 0; i+1 < len(rule.Content); i += 2 {
		value := rule.Content[i+1]
		switch key := rule.Content[i].Value; {
		case yamledit.IsNull(value), key == "toPorts", key == "authentication":
		case key == c.peersKey(d):
			anyPeer = false
			allowed = allowed || slices.ContainsFunc(value.Content, func(peer *yaml.Node) bool { return c.hasEveryPod(peer, of, m) })
		case strings.HasSuffix(key, "Entities") && value.Kind == yaml.SequenceNode:
			anyPeer = false
			allowed = allowed || slices.ContainsFunc(value.Content, func(n *yaml.Node) bool {
				return n.Value == "all" || n.Value == "cluster-mesh" || n.Value == "cluster" && m.Here
			})
		default:
			return false
		}
	}
	onPorts := yamledit.Get(rule, "toPorts")
	if isEmpty(onPorts) {
		return allowed && !anyPeer // a rule without any field allows nobody
	}
	return (allowed || anyPeer) && slices.ContainsFunc(onPorts.Content, func(n *yaml.Node) bool {
		ports := yamledit.Get(n, "ports")
		return n.Kind == yaml.MappingNode && len(n.Content) == 2 && !yamledit.IsNull(ports) && havePort(ports, at)
	})
}

// hasEveryPod tells whether a peer has every Pod of a member for sure.
func (c cilium) hasEveryPod(peer *yaml.Node, of *Cluster, m topology.Member) bool {
	pods := c.pods(peer)
	if !pods.asksOnly(labelCluster, labelPodNamespace, labelPodCluster) || !pods.matchesCluster(m.Name) {
		return false
	}
	for _, r := range pods.requirements(labelPodNamespace) {
		if r.operator != "Exists" && (c.namespace == "" || !r.matches(c.namespace)) {
			return false
		}
	}
	clusters := pods.requirements(labelPodCluster)
	for _, r := range clusters {
		named := !m.Here && len(of.Pair.PeerClusters) > 0 && !slices.ContainsFunc(of.Pair.PeerClusters, func(name string) bool { return !r.matches(name) })
		if r.operator != "Exists" && !named {
			return false
		}
	}
	return m.Here || len(clusters) > 0
}
