package postrender

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Action is what happens to a Cluster.
type Action string

const (
	Paired         Action = "paired"           // it becomes a primary and a replica
	LeftAlone      Action = "left alone"       // it must not be touched
	CannotBePaired Action = "cannot be paired" // it stays single although a pair is asked for
)

// Decision says what happens to one Cluster of a stream, and why.
type Decision struct {
	Source        string `json:"source"`
	Line          int    `json:"line"`
	Namespace     string `json:"namespace"`
	Name          string `json:"name"`
	Action        Action `json:"decision"`
	Reason        string `json:"reason"`
	PrimaryRegion string `json:"primaryRegion,omitempty"`
	ReplicaRegion string `json:"replicaRegion,omitempty"`

	// Plan is what becomes of it, where a pair is made; [Renderer.Explain] fills it in.
	Plan *Plan `json:"plan,omitempty"`

	cure string
}

// AnnotationExpand is the annotation by which the owner of a Cluster keeps it
// single: its value is "false" then.
const AnnotationExpand = "cnpg-pair.openova.io/expand"

// verdict is what a rule says of a Cluster; a nil one says nothing.
type verdict struct {
	action       Action
	reason, cure string
}

func leave(format string, args ...any) *verdict {
	return &verdict{LeftAlone, fmt.Sprintf(format, args...), ""}
}

func cannot(cure, format string, args ...any) *verdict {
	return &verdict{CannotBePaired, fmt.Sprintf(format, args...), cure}
}

// decide fills in the decision of every Cluster. Its errors are Clusters whose
// fields do not have the shape that CNPG asks for.
func decide(cfg Config, s *stream) error {
	var failed []error
	for _, c := range s.candidates {
		if c.failed {
			continue
		}
		v, err := c.judge(cfg, s)
		if err != nil {
			failed = append(failed, c.fail(err))
			continue
		}
		c.decision.Action, c.decision.Reason, c.decision.cure = v.action, v.reason, v.cure
		if v.action == Paired {
			c.decision.PrimaryRegion, c.decision.ReplicaRegion = cfg.PrimaryRegion, cfg.ReplicaRegion
		}
	}
	return errors.Join(failed...)
}

// judge asks one rule after the other; the first that has something to say
// decides.
func (c *candidate) judge(cfg Config, s *stream) (*verdict, error) {
	for _, rule := range []func(Config, *stream) (*verdict, error){
		c.isReplica, c.isPrimary, c.isFollowed, c.isOptedOut, c.isUnsupported, c.isPinned, c.isPinnedOddly, c.isSynchronous, c.isInTheWay, c.isPolicyInTheWay,
	} {
		if v, err := rule(cfg, s); v != nil || err != nil {
			return v, err
		}
	}
	return &verdict{Paired, "a single Cluster", ""}, nil
}

func (c *candidate) isReplica(Config, *stream) (*verdict, error) {
	replica, err := mappingAt(c.tree, "spec.replica")
	if replica == nil {
		return nil, err
	}
	if isFalse(get(replica, "enabled")) && isNull(get(replica, "primary")) && isNull(get(replica, "self")) {
		return nil, nil // promoted for good
	}
	return leave("a replica or part of a distributed topology (spec.replica)"), nil
}

func (c *candidate) isPrimary(Config, *stream) (*verdict, error) {
	labels, err := mappingAt(c.tree, "metadata.labels")
	for _, label := range []string{labelRole, labelPair} {
		if get(labels, label) != nil {
			return leave("already half of a pair (label %s)", label), nil
		}
	}
	return nil, err
}

func (c *candidate) isFollowed(_ Config, s *stream) (*verdict, error) {
	if follower := inNamespace(s.followed[c.name], c.namespace); follower != nil {
		return leave("already the primary of a pair (%s follows it)", follower.title()), nil
	}
	services, err := c.services()
	for _, service := range services {
		if follower := inNamespace(s.followedHost[service], c.namespace); follower != nil && follower.name != c.name {
			return leave("already the primary of a pair (%s follows it)", follower.title()), nil
		}
	}
	return nil, err
}

func (c *candidate) isOptedOut(Config, *stream) (*verdict, error) {
	annotations, err := mappingAt(c.tree, "metadata.annotations")
	if isFalse(&yaml.Node{Kind: yaml.ScalarNode, Value: scalar(annotations, AnnotationExpand)}) {
		return leave("its owner opted out (annotation %s)", AnnotationExpand), nil
	}
	return nil, err
}

func (c *candidate) isUnsupported(Config, *stream) (*verdict, error) {
	if v := c.apiVersion(); v != apiGroup+"/v1" {
		return cannot("write it as "+apiGroup+"/v1", "apiVersion %s is not supported", v), nil
	}
	if c.name == "" {
		return cannot("give it a name, from which the names of the pair derive", "it has no metadata.name"), nil
	}
	if reason := validClusterName(c.name); reason != "" {
		return cannot("rename it: CNPG refuses it as it is", "%s", reason), nil
	}
	spec, err := mappingAt(c.tree, "spec")
	if err == nil && spec == nil {
		err = &fieldError{line: c.tree.Line, err: errors.New("it has no spec"), cure: "every Cluster has one: was the stream cut off?"}
	}
	return nil, err
}

// onePlace are the node labels of which two regions cannot share a value.
var onePlace = []string{
	"topology.kubernetes.io/region", "topology.kubernetes.io/zone", "kubernetes.io/hostname",
	"failure-domain.beta.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone",
}

func (c *candidate) isPinned(cfg Config, _ *stream) (*verdict, error) {
	const cure = "remove it from the chart: the pair pins each half itself"
	selector, err := mappingAt(c.tree, "spec.affinity.nodeSelector")
	if err != nil {
		return nil, err
	}
	if value := get(selector, cfg.RegionKey); !isNull(value) && value.Value != cfg.PrimaryRegion {
		return cannot(cure, "its nodeSelector asks for %s %s, but the primary region is %s", cfg.RegionKey, value.Value, cfg.PrimaryRegion), nil
	}
	terms, err := mappingsAt(c.tree, pathTerms)
	if err != nil {
		return nil, err
	}
	admitted := len(terms) == 0
	for i, term := range terms {
		expressions, err := mappingsAt(term, "matchExpressions")
		if err != nil {
			return nil, inField(err, fmt.Sprintf("%s[%d]", pathTerms, i))
		}
		admitted = admitted || !slices.ContainsFunc(expressions, func(e *yaml.Node) bool {
			return !requirementAdmits(e, cfg.RegionKey, cfg.PrimaryRegion)
		})
	}
	if !admitted {
		return cannot(cure, "its node affinity keeps it out of the primary region %s", cfg.PrimaryRegion), nil
	}
	for _, key := range onePlace {
		value := cmp.Or(scalar(selector, key), onlyValue(terms, "matchExpressions", key))
		if key != cfg.RegionKey && value != "" {
			return cannot(cure, "its nodeSelector or affinity pins both halves to one place, %s %s", key, value), nil
		}
	}
	if node := onlyValue(terms, "matchFields", "metadata.name"); node != "" {
		return cannot(cure, "its node affinity pins both halves to one place, the node %s", node), nil
	}
	return nil, nil
}

// onlyValue returns the one value of a node label, or of a field, that every
// term asks for.
func onlyValue(terms []*yaml.Node, requirements, key string) string {
	only := ""
	for _, term := range terms {
		value := ""
		expressions, _ := mappingsAt(term, requirements)
		for _, e := range expressions {
			if values := get(e, "values"); scalar(e, "key") == key && scalar(e, "operator") == "In" && values != nil && len(values.Content) == 1 {
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

// isInTheWay finds something else in the stream that holds a name that the
// pair needs.
func (c *candidate) isInTheWay(cfg Config, s *stream) (*verdict, error) {
	const cure = "rename that, or keep this Cluster single with the annotation " + AnnotationExpand + `: "false"`
	if other := inNamespace(s.clusters[c.replica], c.namespace); other != nil {
		return cannot(cure, "the name %s, which the pair needs, is taken by %s (%s:%d)", c.replica, other.title(), other.decision.Source, other.decision.Line), nil
	}
	services := []string{c.mesh, c.replica + "-rw", c.replica + "-ro", c.replica + "-r"}
	if cfg.Active != ActivePrimary {
		services = append(services, MeshName(c.replica))
	}
	for _, service := range services {
		for _, holder := range s.services[service] {
			own := service == c.mesh && holder.cluster == c.name
			if !own && sameNamespace(holder.namespace, c.namespace) {
				return cannot(cure, "the name %s, which the pair needs, is taken by %s", service, holder.what), nil
			}
		}
	}
	own, err := mappingsAt(c.tree, pathAdditional)
	if err != nil {
		return nil, err
	}
	for i, entry := range own {
		name, err := stringAt(entry, "serviceTemplate.metadata.name")
		if err != nil {
			return nil, inField(err, fmt.Sprintf("%s[%d]", pathAdditional, i))
		}
		if name != c.mesh {
			continue
		}
		annotations, err := mappingAt(entry, "serviceTemplate.metadata.annotations")
		if err != nil {
			return nil, inField(err, fmt.Sprintf("%s[%d]", pathAdditional, i))
		}
		if selector := cmp.Or(scalar(entry, "selectorType"), "rw"); selector != "rw" {
			return cannot("make it rw: the replica must stream from the primary", "its Service %s has the selectorType %s", c.mesh, selector), nil
		}
		if global := cmp.Or(scalar(annotations, annotationGlobal), "true"); global != "true" {
			return cannot(`make it "true", or remove it`, "its Service %s has the annotation %s: %s", c.mesh, annotationGlobal, global), nil
		}
	}
	return nil, nil
}
