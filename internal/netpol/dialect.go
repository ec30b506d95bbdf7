package netpol

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// A policy has specs. A spec has a subject, which selects Pods, and for each
// direction rules. A rule has peers and ports.

// dialect is everything in which the kinds of policies differ.
type dialect interface {
	// label returns the label that a key of a selector means.
	label(key string) string

	// specs returns the specs of a policy, keepSpecs removes all but some.
	specs(policy *yaml.Node) ([]*yaml.Node, error)
	keepSpecs(policy *yaml.Node, kept map[*yaml.Node]bool)

	// subjectKey is the field of a spec with the selector of its subject.
	subjectKey() string

	// isolates tells whether a spec denies its subject whatever it does not allow
	// in a direction.
	isolates(spec *yaml.Node, d direction) (bool, error)

	// sections are the fields of a spec with the rules of a direction that may
	// have Pods as peers, and peersKey is the field of those rules with the peers.
	sections(d direction) []string
	peersKey(d direction) string

	// checkPeer checks the shape of a peer, pods returns the selector of its Pods,
	// and mayBeIn tells whether they may be in a namespace.
	checkPeer(peer *yaml.Node) error
	pods(peer *yaml.Node) selector
	mayBeIn(peer *yaml.Node, namespace string) bool

	// peerFor returns the peer that a rule of a spec needs beside one that has the
	// Pods of the primary, to have those of a member too; nil where it has them.
	peerFor(spec, peer *yaml.Node, c *Cluster, m topology.Member) (*yaml.Node, error)

	// newRule returns the rule that allows a member on ports. key is the label of
	// Clusters as the spec spells it.
	newRule(d direction, key string, c *Cluster, m topology.Member, ports []port) (*yaml.Node, error)

	// allows tells whether a rule allows every Pod of a member on a port for sure.
	// Where that cannot be told it is false: a rule too many does no harm.
	allows(rule *yaml.Node, d direction, c *Cluster, m topology.Member, at port) bool
}

func dialectOf(o *manifest.Object) dialect {
	if o.Kind == "NetworkPolicy" {
		return kubernetes{o.Namespace}
	}
	return cilium{o.Namespace}
}

// direction is that of connections, seen from the subject. It is also the name of
// the section with the rules that allow them.
type direction string

const (
	ingress direction = "ingress"
	egress  direction = "egress"
)

// port is a port of the Pods of a Cluster, and the name that it has there.
type port struct {
	number int
	name   string
}

var (
	portPostgreSQL = port{5432, "postgresql"}
	portStatus     = port{8000, "status"} // through which instances of one Cluster ask each other how they are
)

// itemsAt returns the items of a list of mappings. An item that is null is one
// without fields.
func itemsAt(m *yaml.Node, key string) ([]*yaml.Node, error) {
	n, err := yamledit.SequenceAt(m, key)
	if n == nil {
		return nil, err
	}
	for i, item := range n.Content {
		if item.Kind != yaml.MappingNode && !yamledit.IsNull(item) {
			return nil, yamledit.InItem(&yamledit.Error{Line: item.Line, Err: message.New(message.ExpectedMapping)}, key, i)
		}
	}
	return n.Content, nil
}

// havePort tells whether a list of ports has a TCP port, by number, by name or in a
// range. An empty list has every port.
func havePort(ports *yaml.Node, at port) bool {
	if isEmpty(ports) {
		return true
	}
	return slices.ContainsFunc(ports.Content, func(n *yaml.Node) bool {
		switch yamledit.Scalar(n, "protocol") {
		case "", "TCP", "ANY", "null":
		default:
			return false
		}
		if yamledit.IsNull(yamledit.Get(n, "port")) {
			return true
		}
		first, err := strconv.Atoi(yamledit.Scalar(n, "port"))
		if err != nil {
			return yamledit.Scalar(n, "port") == at.name
		}
		last, _ := strconv.Atoi(yamledit.Scalar(n, "endPort")) // 0 where there is none
		return at.number == first || first <= at.number && at.number <= last
	})
}

func isEmpty(list *yaml.Node) bool { return yamledit.IsNull(list) || len(list.Content) == 0 }
