package postrender

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/expand"
	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/netpol"
	"github.com/openova-io/helm-cnpg-pair/internal/serving"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

const (
	// AnnotationExpand is the annotation by which the owner of a Cluster keeps it
	// single: its value is "false" then.
	AnnotationExpand = "cnpg-pair.openova.io/expand"

	// AnnotationPin on a Cluster says which members are bound to their regions by
	// node affinity: both, or, as "replica", that one only, so that the Pods of a
	// living primary need not restart.
	AnnotationPin = "cnpg-pair.openova.io/pin"
)

// candidate is a Cluster of a stream, the pair that it would be, and what was
// decided about it.
type candidate struct {
	netpol.Cluster
	decision Decision
}

// taken names the Cluster, which has a name that another one needs.
func (c *candidate) taken() string { return c.Title() + " (" + c.At() + ")" }

// claim is a name of a Service that something in the stream has: a Service, a
// Pooler, or the Cluster whose operator makes it.
type claim struct{ namespace, cluster, by string }

// selection is what Clusters are judged by.
type selection struct {
	topology   topology.Topology
	candidates []*candidate
	policies   *netpol.Policies
	servants   *serving.Servants

	clusters     map[string][]*candidate // by name
	services     map[string][]claim      // by name
	followed     map[string][]*candidate // the followers, by the name of their source
	followedHost map[string][]*candidate // the followers, by the Service that they connect to
}

// rule looks at one Cluster. It returns why the Cluster is not paired, or nothing;
// its error is that of a field that does not have CloudNativePG's shape.
type rule func(s *selection, c *candidate) (*message.Message, error)

// The rules, in order: the first that returns a reason decides.
var (
	leaveAlone = []rule{checkState, checkReplica, checkMember, checkFollowed, checkOptedOut}
	cannotPair = []rule{checkIdentity, checkToken, checkPin, checkPinWord, checkAntiAffinity, checkSpread, checkSynchronous, checkNames, checkPolicies, checkServants}
)

// mostClusters is how many Clusters a stream may have: each takes some kilobytes of
// memory, however small it is.
const mostClusters = 5000

// selectClusters decides what happens to every Cluster of a stream.
func selectClusters(t topology.Topology, stream *manifest.Stream) (*selection, []manifest.Problem) {
	s := &selection{
		topology:     t,
		clusters:     make(map[string][]*candidate),
		services:     make(map[string][]claim),
		followed:     make(map[string][]*candidate),
		followedHost: make(map[string][]*candidate),
	}
	var problems []manifest.Problem
	for _, o := range stream.Objects {
		switch {
		case o.ClaimsService():
			s.services[o.Name] = append(s.services[o.Name], claim{o.Namespace, "", fmt.Sprintf("%s %s (%s)", o.Kind, o.Name, o.At())})
		case o.IsCluster():
			c := newCandidate(t, o)
			err := s.add(c)
			o.Park()
			if err != nil {
				problems = append(problems, manifest.Problem{Object: o, Err: err})
				continue
			}
			if s.candidates = append(s.candidates, c); len(s.candidates) > mostClusters {
				s.candidates, s.policies, s.servants = nil, netpol.Read(nil, nil), serving.Find(nil, nil)
				return s, append(problems, manifest.Problem{Object: o, Err: message.New(message.StreamTooLarge)})
			}
		}
	}
	var clusters []*netpol.Cluster
	for _, c := range s.candidates {
		clusters = append(clusters, &c.Cluster)
	}
	if t.Enabled && len(clusters) > 0 {
		serving.Include(stream)
	}
	s.policies = netpol.Read(stream.Objects, clusters)
	s.servants = serving.Find(stream.Objects, clusters)
	for _, c := range s.candidates {
		if err := s.decide(c); err != nil {
			problems = append(problems, manifest.Problem{Object: c.Object, Err: err})
		}
		c.Park()
	}
	s.checkTokenForAll()
	return s, problems
}

func newCandidate(t topology.Topology, o *manifest.Object) *candidate {
	annotations, _ := yamledit.MappingAt(o.Tree(), "metadata.annotations")
	pinPrimary := yamledit.Scalar(annotations, AnnotationPin) != topology.SideReplica
	return &candidate{
		netpol.Cluster{Object: o, Pair: t.Pair(o.Name, pinPrimary)},
		Decision{Source: o.Source.Name, Line: o.Line, Namespace: o.Namespace, Name: o.Name},
	}
}

// decide asks one rule after the other.
func (s *selection) decide(c *candidate) error {
	t := s.topology
	switch {
	case t.Degraded != nil:
		c.decision.decide(LeftAlone, t.Degraded)
		return nil
	case !t.Enabled:
		c.decision.decide(LeftAlone, message.New(message.HotStandbyOff))
		return nil
	}
	for _, rules := range []struct {
		action Action
		rules  []rule
	}{{LeftAlone, leaveAlone}, {CannotBePaired, cannotPair}} {
		for _, check := range rules.rules {
			reason, err := check(s, c)
			if err != nil {
				return err
			}
			if reason != nil {
				c.decision.decide(rules.action, reason)
				return nil
			}
		}
	}
	c.decision.decide(Paired, message.New(message.SingleCluster))
	return nil
}

// add takes a Cluster into the indexes.
func (s *selection) add(c *candidate) error {
	s.clusters[c.Name] = append(s.clusters[c.Name], c)
	labels, _ := yamledit.MappingAt(c.Tree(), "metadata.labels")
	if pair := yamledit.Scalar(labels, expand.LabelPair); pair != "" && pair != c.Name {
		s.clusters[pair] = append(s.clusters[pair], c) // on its side it represents the other member too
	}
	services, err := servicesOf(c)
	if err != nil {
		return err
	}
	for _, service := range services {
		s.services[service] = append(s.services[service], claim{c.Namespace, c.Name, "a Service of " + c.Title()})
	}
	if reason, err := checkReplica(s, c); reason == nil {
		return err
	}
	source, err := yamledit.StringAt(c.Tree(), "spec.replica.source")
	if err != nil {
		return err
	}
	if source != "" && source != c.Name {
		s.followed[source] = append(s.followed[source], c)
	}
	external, err := yamledit.MappingsAt(c.Tree(), "spec.externalClusters")
	if err != nil {
		return err
	}
	for _, e := range external {
		if yamledit.Scalar(e, "name") != source {
			continue
		}
		host, _ := yamledit.StringAt(e, "connectionParameters.host")
		service, domain, _ := strings.Cut(host, ".")
		if namespace, _, _ := strings.Cut(domain, "."); manifest.SameNamespace(namespace, c.Namespace) {
			s.followedHost[service] = append(s.followedHost[service], c)
		}
	}
	return nil
}

// servicesOf are the names of the Services that the operator makes for the Cluster
// as it is.
func servicesOf(c *candidate) ([]string, error) {
	rw, ro, r := topology.DefaultServices(c.Name)
	services := []string{rw, ro, r}
	own, err := yamledit.MappingsAt(c.Tree(), expand.PathAdditional)
	for _, entry := range own {
		if name, _ := yamledit.StringAt(entry, "serviceTemplate.metadata.name"); name != "" {
			services = append(services, name)
		}
	}
	return services, err
}

// inNamespace returns the first of some Clusters that may be in a namespace.
func inNamespace(clusters []*candidate, namespace string) *candidate {
	for _, c := range clusters {
		if manifest.SameNamespace(c.Namespace, namespace) {
			return c
		}
	}
	return nil
}

func checkReplica(_ *selection, c *candidate) (*message.Message, error) {
	replica, err := yamledit.MappingAt(c.Tree(), "spec.replica")
	if replica == nil {
		return nil, err
	}
	if yamledit.IsFalse(yamledit.Get(replica, "enabled")) && yamledit.IsNull(yamledit.Get(replica, "primary")) && yamledit.IsNull(yamledit.Get(replica, "self")) {
		return nil, nil // promoted for good
	}
	return message.New(message.IsReplica), nil
}

func checkMember(_ *selection, c *candidate) (*message.Message, error) {
	labels, err := yamledit.MappingAt(c.Tree(), "metadata.labels")
	for _, label := range []string{expand.LabelRole, expand.LabelPair} {
		if yamledit.Get(labels, label) != nil {
			return message.New(message.IsMember, "label", label), nil
		}
	}
	return nil, err
}

func checkFollowed(s *selection, c *candidate) (*message.Message, error) {
	if follower := inNamespace(s.followed[c.Name], c.Namespace); follower != nil {
		return message.New(message.IsFollowed, "by", follower.Title()), nil
	}
	services, err := servicesOf(c)
	for _, service := range services {
		if follower := inNamespace(s.followedHost[service], c.Namespace); follower != nil && follower.Name != c.Name {
			return message.New(message.IsFollowed, "by", follower.Title()), nil
		}
	}
	return nil, err
}

func checkOptedOut(_ *selection, c *candidate) (*message.Message, error) {
	annotations, err := yamledit.MappingAt(c.Tree(), "metadata.annotations")
	word := yamledit.Scalar(annotations, AnnotationExpand)
	if yamledit.IsFalse(&yaml.Node{Kind: yaml.ScalarNode, Value: word}) {
		return message.New(message.OptedOut), nil
	}
	return nil, err
}

func checkIdentity(_ *selection, c *candidate) (*message.Message, error) {
	if c.APIVersion != manifest.Group+"/v1" {
		return message.New(message.APIVersion, "version", c.APIVersion), nil
	}
	if c.Name == "" {
		return message.New(message.NoName), nil
	}
	if wrong := topology.CheckClusterName(c.Name); wrong != nil {
		return wrong, nil
	}
	spec, err := yamledit.MappingAt(c.Tree(), "spec")
	if err == nil && spec == nil {
		err = &yamledit.Error{Line: c.Line, Err: message.New(message.NoSpec)}
	}
	return nil, err
}

// checkToken finds a Cluster for which no token was given, although the replica is
// promoted by one.
func checkToken(_ *selection, c *candidate) (*message.Message, error) {
	if c.Pair.WithoutToken {
		return message.New(message.WithoutToken, "name", c.Name), nil
	}
	return nil, nil
}

// checkTokenForAll refuses to promote several pairs by one token: it is that of one
// Cluster.
func (s *selection) checkTokenForAll() {
	var promoted []*candidate
	for _, c := range s.candidates {
		if c.decision.Action == Paired && c.Pair.TokenForAll {
			promoted = append(promoted, c)
		}
	}
	for _, c := range promoted {
		if len(promoted) > 1 {
			c.decision.decide(CannotBePaired, message.New(message.TokenForSeveral))
		}
	}
}

// onePlace are the node labels that cannot have one value in two regions.
var onePlace = []string{
	"topology.kubernetes.io/region", "topology.kubernetes.io/zone", "kubernetes.io/hostname",
	"failure-domain.beta.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone",
}

// checkPin finds a Cluster that the chart pins out of the primary's region, or both
// members to one place.
func checkPin(_ *selection, c *candidate) (*message.Message, error) {
	key, region := c.Pair.RegionKey, c.Pair.Primary.Region
	selector, err := yamledit.MappingAt(c.Tree(), "spec.affinity.nodeSelector")
	if err != nil {
		return nil, err
	}
	if value := yamledit.Get(selector, key); !yamledit.IsNull(value) && value.Value != region {
		return message.New(message.NodeSelector, "label", key, "region", value.Value, "primaryRegion", region), nil
	}
	terms, err := yamledit.MappingsAt(c.Tree(), expand.PathTerms)
	if err != nil {
		return nil, err
	}
	allowed := len(terms) == 0
	for i, term := range terms {
		expressions, err := yamledit.MappingsAt(term, "matchExpressions")
		if err != nil {
			return nil, yamledit.InItem(err, expand.PathTerms, i)
		}
		allowed = allowed || !slices.ContainsFunc(expressions, func(e *yaml.Node) bool { return !expand.Allows(e, key, region) })
	}
	if !allowed {
		return message.New(message.NodeAffinity, "primaryRegion", region), nil
	}
	for _, label := range onePlace {
		value := cmp.Or(yamledit.Scalar(selector, label), onlyValue(terms, "matchExpressions", label))
		if label != key && value != "" {
			return message.New(message.OnePlace, "label", label, "value", value), nil
		}
	}
	if node := onlyValue(terms, "matchFields", "metadata.name"); node != "" {
		return message.New(message.OneNode, "node", node), nil
	}
	return nil, nil
}

// onlyValue returns the one value of a node label, or of a field, that every term
// asks for.
func onlyValue(terms []*yaml.Node, requirements, key string) string {
	only := ""
	for _, term := range terms {
		value := ""
		expressions, _ := yamledit.MappingsAt(term, requirements)
		for _, e := range expressions {
			if values := yamledit.Get(e, "values"); yamledit.Scalar(e, "key") == key && yamledit.Scalar(e, "operator") == "In" && values != nil && len(values.Content) == 1 {
				value = values.Content[0].Value
			}
		}
		if value == "" || only != "" && value != only {
			return ""
		}
		only = value
	}
	return only
}

func checkPinWord(_ *selection, c *candidate) (*message.Message, error) {
	annotations, err := yamledit.MappingAt(c.Tree(), "metadata.annotations")
	switch word := yamledit.Scalar(annotations, AnnotationPin); word {
	case "", topology.SideBoth, topology.SideReplica:
		return nil, err
	default:
		return message.New(message.PinWord, "word", word), err
	}
}

// checkSynchronous finds a Cluster with its own settings for what synchronous
// replication sets.
func checkSynchronous(_ *selection, c *candidate) (*message.Message, error) {
	if !c.Pair.Synchronous {
		return nil, nil
	}
	own, err := yamledit.At(c.Tree(), expand.PathSynchronous)
	if err != nil {
		return nil, err
	}
	if own != nil {
		return message.New(message.OwnSynchronous, "field", expand.PathSynchronous), nil
	}
	for _, field := range []string{"spec.minSyncReplicas", "spec.maxSyncReplicas"} {
		number, err := yamledit.StringAt(c.Tree(), field)
		if err != nil {
			return nil, err
		}
		if number != "" && number != "0" {
			return message.New(message.OwnSynchronous, "field", field), nil
		}
	}
	return nil, nil
}

// checkNames finds something else in the stream that has a name which the pair
// needs.
func checkNames(s *selection, c *candidate) (*message.Message, error) {
	if other := inNamespace(s.clusters[c.Pair.Replica.Name], c.Namespace); other != nil {
		return message.New(message.NameTaken, "name", c.Pair.Replica.Name, "by", other.taken()), nil
	}
	for _, service := range c.Pair.Services() {
		for _, claim := range s.services[service] {
			own := claim.cluster == c.Name && (service == c.Pair.Primary.Mesh || slices.Contains(c.Pair.Absent(), service))
			if !own && manifest.SameNamespace(claim.namespace, c.Namespace) {
				return message.New(message.NameTaken, "name", service, "by", claim.by), nil
			}
		}
	}
	return checkOwnMesh(c)
}

// checkOwnMesh looks at a Service of the chart's own that has the mesh Service's
// name.
func checkOwnMesh(c *candidate) (*message.Message, error) {
	own, err := yamledit.MappingsAt(c.Tree(), expand.PathAdditional)
	if err != nil {
		return nil, err
	}
	for i, entry := range own {
		name, err := yamledit.StringAt(entry, "serviceTemplate.metadata.name")
		if err != nil {
			return nil, yamledit.InItem(err, expand.PathAdditional, i)
		}
		if name != c.Pair.Primary.Mesh {
			continue
		}
		annotations, err := yamledit.MappingAt(entry, "serviceTemplate.metadata.annotations")
		if err != nil {
			return nil, yamledit.InItem(err, expand.PathAdditional, i)
		}
		if selector := wordAt(entry, "selectorType", "rw"); selector != "rw" {
			return message.New(message.MeshSelector, "name", name, "type", selector), nil
		}
		if global := wordAt(annotations, expand.AnnotationGlobal, "true"); global != "true" {
			return message.New(message.MeshNotGlobal, "name", name, "value", global), nil
		}
	}
	return nil, nil
}

// wordAt returns a value of a mapping, or the default where it is empty, null or absent.
func wordAt(m *yaml.Node, key, otherwise string) string {
	if yamledit.IsNull(yamledit.Get(m, key)) {
		return otherwise
	}
	return cmp.Or(yamledit.Scalar(m, key), otherwise)
}

func checkServants(s *selection, c *candidate) (*message.Message, error) {
	return s.servants.Conflict(c.Object), nil
}

func checkPolicies(s *selection, c *candidate) (*message.Message, error) {
	return s.policies.Conflict(&c.Cluster), nil
}
