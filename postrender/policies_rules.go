package postrender

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The rules of a network policy: whom they let through, and what the pair needs of
// them.

// What the instances of a Cluster ask of each other, and the names that the ports
// have in their Pods.
const (
	portPostgreSQL, namePostgreSQL = 5432, "postgresql"
	portStatus, nameStatus         = 8000, "status"
)

// directions are the two sections of a rule, and what its parts are called.
var directions = [2]struct{ section, peers, endpoints string }{
	{"ingress", "from", "fromEndpoints"},
	{"egress", "to", "toEndpoints"},
}

// traffic returns the items of a section of a rule. An item that is null is one
// without fields.
func traffic(rule *yaml.Node, section string) ([]*yaml.Node, error) {
	n, err := ofKind(rule, section, yaml.SequenceNode, "a sequence")
	if n == nil {
		return nil, err
	}
	for i, item := range n.Content {
		if item.Kind != yaml.MappingNode && !isNull(item) {
			return nil, &fieldError{path: fmt.Sprintf("%s[%d]", section, i), line: item.Line, err: errors.New("expected a mapping")}
		}
	}
	return n.Content, nil
}

// peerLists returns the lists of peers of a rule that may name Pods.
func (p *policy) peerLists(rule *yaml.Node) ([]*yaml.Node, error) {
	var lists []*yaml.Node
	for _, d := range directions {
		sections, key := []string{d.section}, d.peers
		if p.cilium {
			sections, key = append(sections, d.section+"Deny"), d.endpoints
		}
		for _, section := range sections {
			items, err := traffic(rule, section)
			if err != nil {
				return nil, err
			}
			for i, item := range items {
				peers, err := traffic(item, key)
				if err != nil {
					return nil, inField(err, fmt.Sprintf("%s[%d]", section, i))
				}
				for j, peer := range peers {
					if p.cilium {
						err = p.check(peer)
					} else if _, err = p.selector(peer, "podSelector"); err == nil {
						_, err = p.selector(peer, "namespaceSelector")
					}
					if err != nil {
						return nil, inField(err, fmt.Sprintf("%s[%d].%s[%d]", section, i, key, j))
					}
				}
				if len(peers) > 0 {
					lists = append(lists, get(item, key))
				}
			}
		}
	}
	return lists, nil
}

// pods returns the selector of a peer's Pods.
func (p *policy) pods(peer *yaml.Node) *yaml.Node {
	if p.cilium {
		return peer
	}
	return get(peer, "podSelector")
}

// isPeer tells whether a peer asks for the label of Clusters in the namespace of
// the pair.
func (p *policy) isPeer(peer *yaml.Node, pair *candidate) bool {
	if !p.names(p.pods(peer)) {
		return false
	}
	namespaces, label := get(peer, "namespaceSelector"), labelNamespaceName
	if p.cilium {
		namespaces, label = peer, labelPodNamespace
	}
	if isNull(namespaces) || p.cilium && len(p.requirements(peer, label)) == 0 {
		return sameNamespace(p.namespace, pair.namespace)
	}
	return pair.namespace == "" || p.admitsValue(namespaces, label, pair.namespace)
}

// mention names the replica of each pair wherever a rule names the Cluster, but
// for one that is the rule's own subject.
func (p *policy) mention(cfg Config, rule *yaml.Node, pairs []*candidate, itself *candidate) error {
	lists, err := p.peerLists(rule)
	if err != nil {
		return err
	}
	for _, pair := range pairs {
		if sameNamespace(p.namespace, pair.namespace) {
			p.except(get(rule, p.subjectKey()), pair)
		}
		for _, peers := range lists {
			for _, peer := range slices.Clone(peers.Content) {
				if !p.isPeer(peer, pair) {
					continue
				}
				p.except(p.pods(peer), pair)
				if itself != nil && itself.name == pair.name || !p.admitsName(p.pods(peer), pair.name) {
					continue
				}
				if err := p.mentionBeside(cfg, rule, peers, peer, pair); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// mentionBeside adds to a list of peers, beside one that names the Cluster, the
// half that is not among its Pods. For Cilium a half of the other side is in
// another Kubernetes cluster.
func (p *policy) mentionBeside(cfg Config, rule, peers, peer *yaml.Node, pair *candidate) error {
	for _, half := range []string{pair.name, pair.replica} {
		far := p.cilium && pair.far(cfg, half) && len(p.requirements(peer, labelPodCluster)) == 0
		if far && len(cfg.PeerClusters) == 0 {
			if subject := get(rule, p.subjectKey()); subject != nil && p.asksOnly(subject) {
				return p.noPeerClusters(cfg, rule, pair, half) // it selects every Pod, the halves' too
			}
			far = false
		}
		if p.admitsName(p.pods(peer), half) && !far {
			continue
		}
		beside := clone(peer)
		p.narrow(p.pods(beside), half)
		if far {
			p.inPeerClusters(cfg, beside)
		}
		if !slices.ContainsFunc(peers.Content, func(n *yaml.Node) bool { return same(n, beside) }) {
			peers.Content = append(peers.Content, beside)
		}
	}
	return nil
}

// except excepts the replica where the Cluster is excepted.
func (p *policy) except(selector *yaml.Node, pair *candidate) {
	expressions := get(selector, "matchExpressions")
	if isNull(expressions) {
		return
	}
	for _, e := range expressions.Content {
		names := get(e, "values")
		if !p.isKey(scalar(e, "key"), labelCluster) || scalar(e, "operator") != "NotIn" || names == nil {
			continue
		}
		r := requirement{"In", names.Content}
		if r.admits(pair.name) && !r.admits(pair.replica) {
			names.Content = append(names.Content, str(pair.replica))
		}
	}
}

// takeOver makes a rule whose subject is the Cluster one whose subject is the
// replica, as a peer too.
func (p *policy) takeOver(rule *yaml.Node, pair *candidate) error {
	p.narrow(get(rule, p.subjectKey()), pair.replica)
	lists, err := p.peerLists(rule)
	for _, peers := range lists {
		for _, peer := range peers.Content {
			if !p.isPeer(peer, pair) {
				continue
			}
			for _, r := range p.requirements(p.pods(peer), labelCluster) {
				if r.operator != "In" || r.admits(pair.replica) {
					continue
				}
				for i, value := range r.values {
					if value.Value == pair.name {
						r.values[i] = str(pair.replica) // of the tree's own list
					}
				}
			}
		}
	}
	return err
}

// inPeerClusters makes an endpoint selector one of the other side's clusters. The
// namespace may be called otherwise there.
func (p *policy) inPeerClusters(cfg Config, selector *yaml.Node) {
	expressions := makeAt(selector, "matchExpressions", yaml.SequenceNode)
	if len(p.requirements(selector, labelPodNamespace)) == 0 {
		expressions.Content = append(expressions.Content, dict("key", "k8s:"+labelPodNamespace, "operator", "Exists"))
	}
	var names []*yaml.Node
	for _, name := range cfg.PeerClusters {
		names = append(names, str(name))
	}
	expressions.Content = append(expressions.Content, dict("key", "k8s:"+labelPodCluster, "operator", "In", "values", list(names...)))
}

func (p *policy) noPeerClusters(cfg Config, rule *yaml.Node, pair *candidate, half string) error {
	return &fieldError{
		line: rule.Line,
		err:  fmt.Errorf("it selects the Pods of %s and would cut the pair: with --side %s, %s runs in another Kubernetes cluster, whose name is not given", pair.title(), cfg.Side, half),
		cure: "name the clusters of the other side as ClusterMesh does: --peer-clusters A,B (" + EnvPeerClusters + ")",
	}
}

// admit adds to a rule what the pair needs and the rule does not admit yet: from
// and to the rule's own half PostgreSQL and the status, from and to the other half
// PostgreSQL. Where both halves are its subject, both are its own, as far as they
// run on this side.
func (p *policy) admit(cfg Config, rule *yaml.Node, pair *candidate, both bool, own string) error {
	if !both && pair.far(cfg, own) {
		return nil // no Pod here is selected
	}
	key := labelCluster
	for _, spelt := range keys(get(rule, p.subjectKey())) {
		if p.isKey(spelt, labelCluster) {
			key = spelt
		}
	}
	for i, d := range directions {
		governed, err := p.governs(rule, i)
		if err != nil {
			return err
		}
		if !governed {
			continue
		}
		items, err := traffic(rule, d.section)
		if err != nil {
			return err
		}
		for _, half := range []string{pair.name, pair.replica} {
			far := p.cilium && pair.far(cfg, half)
			ports := []int{portPostgreSQL}
			if half == own || both && !pair.far(cfg, half) {
				ports = append(ports, portStatus)
			}
			ports = slices.DeleteFunc(ports, func(port int) bool {
				return slices.ContainsFunc(items, func(item *yaml.Node) bool { return p.admitsHalf(cfg, item, i, half, far, port) })
			})
			if len(ports) == 0 {
				continue
			}
			if far && len(cfg.PeerClusters) == 0 {
				return p.noPeerClusters(cfg, rule, pair, half)
			}
			section := makeAt(rule, d.section, yaml.SequenceNode)
			section.Content = append(section.Content, p.item(cfg, i, key, half, far, ports))
		}
	}
	return nil
}

// item makes an item of a section that admits a half on some ports.
func (p *policy) item(cfg Config, direction int, key, half string, far bool, ports []int) *yaml.Node {
	d := directions[direction]
	selector, numbers := dict("matchLabels", dict(key, half)), list()
	if !p.cilium {
		for _, port := range ports {
			number := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(port)}
			numbers.Content = append(numbers.Content, dict("port", number, "protocol", "TCP"))
		}
		return dict(d.peers, list(dict("podSelector", selector)), "ports", numbers)
	}
	if far {
		p.inPeerClusters(cfg, selector)
	}
	for _, port := range ports {
		numbers.Content = append(numbers.Content, dict("port", strconv.Itoa(port), "protocol", "TCP"))
	}
	return dict(d.endpoints, list(selector), "toPorts", list(dict("ports", numbers)))
}

// governs tells whether a rule denies what it does not admit in a direction.
func (p *policy) governs(rule *yaml.Node, direction int) (bool, error) {
	section := directions[direction].section
	items, err := traffic(rule, section)
	if err != nil {
		return false, err
	}
	if p.cilium {
		deny, err := at(rule, "enableDefaultDeny."+section)
		if err != nil {
			return false, err
		}
		if deny != nil {
			return isTrue(deny), nil
		}
		denied, err := traffic(rule, section+"Deny")
		return len(items) > 0 || len(denied) > 0, err
	}
	types, err := ofKind(rule, "policyTypes", yaml.SequenceNode, "a sequence")
	if types == nil || len(types.Content) == 0 { // Kubernetes' default
		return section == "ingress" || len(items) > 0, err
	}
	return slices.ContainsFunc(types.Content, func(n *yaml.Node) bool { return strings.EqualFold(n.Value, section) }), nil
}

// admitsHalf tells whether an item of a section surely admits every Pod of a half
// on a port. What it cannot judge it takes for a no: a rule too many does no harm.
func (p *policy) admitsHalf(cfg Config, item *yaml.Node, direction int, half string, far bool, port int) bool {
	d := directions[direction]
	if !p.cilium {
		peers, ports := get(item, d.peers), get(item, "ports")
		return (isNull(peers) || len(peers.Content) == 0 || slices.ContainsFunc(peers.Content, func(peer *yaml.Node) bool {
			return get(peer, "ipBlock") == nil && isNull(get(peer, "namespaceSelector")) && !isNull(get(peer, "podSelector")) &&
				p.asksOnly(get(peer, "podSelector"), labelCluster) && p.admitsName(get(peer, "podSelector"), half)
		})) && admitsPort(ports, port)
	}
	if isNull(item) {
		return false
	}
	anyone, admitted := true, false
	for i := 0; i+1 < len(item.Content); i += 2 {
		value := item.Content[i+1]
		switch key := item.Content[i].Value; {
		case isNull(value), key == "toPorts", key == "authentication":
		case key == d.endpoints:
			anyone = false
			admitted = admitted || slices.ContainsFunc(value.Content, func(peer *yaml.Node) bool { return p.admitsEndpoint(cfg, peer, half, far) })
		case strings.HasSuffix(key, "Entities") && value.Kind == yaml.SequenceNode:
			anyone = false
			admitted = admitted || slices.ContainsFunc(value.Content, func(n *yaml.Node) bool {
				return n.Value == "all" || n.Value == "cluster-mesh" || n.Value == "cluster" && !far
			})
		default:
			return false
		}
	}
	rules := get(item, "toPorts")
	if isNull(rules) || len(rules.Content) == 0 {
		return admitted && !anyone // an item without any field admits nobody
	}
	return (admitted || anyone) && slices.ContainsFunc(rules.Content, func(rule *yaml.Node) bool {
		return rule.Kind == yaml.MappingNode && len(rule.Content) == 2 && !isNull(get(rule, "ports")) && admitsPort(get(rule, "ports"), port)
	})
}

// admitsEndpoint tells whether an endpoint selector surely admits every Pod of a
// half.
func (p *policy) admitsEndpoint(cfg Config, selector *yaml.Node, half string, far bool) bool {
	if !p.asksOnly(selector, labelCluster, labelPodNamespace, labelPodCluster) || !p.admitsName(selector, half) {
		return false
	}
	for _, r := range p.requirements(selector, labelPodNamespace) {
		if r.operator != "Exists" && (p.namespace == "" || !r.admits(p.namespace)) {
			return false
		}
	}
	clusters := p.requirements(selector, labelPodCluster)
	for _, r := range clusters {
		named := far && len(cfg.PeerClusters) > 0 && !slices.ContainsFunc(cfg.PeerClusters, func(name string) bool { return !r.admits(name) })
		if r.operator != "Exists" && !named {
			return false
		}
	}
	return !far || len(clusters) > 0
}

// admitsPort tells whether a list of ports holds a TCP port, by number, by name or
// in a range.
func admitsPort(ports *yaml.Node, port int) bool {
	if isNull(ports) || len(ports.Content) == 0 {
		return true
	}
	return slices.ContainsFunc(ports.Content, func(n *yaml.Node) bool {
		switch scalar(n, "protocol") {
		case "", "TCP", "ANY", "null":
		default:
			return false
		}
		if isNull(get(n, "port")) {
			return true
		}
		first, err := strconv.Atoi(scalar(n, "port"))
		if err != nil {
			name := scalar(n, "port")
			return name == namePostgreSQL && port == portPostgreSQL || name == nameStatus && port == portStatus
		}
		last, err := strconv.Atoi(scalar(n, "endPort"))
		return port == first || err == nil && first <= port && port <= last
	})
}
