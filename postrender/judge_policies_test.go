// This file must not import internal/, nor use more of package postrender than its settings and
// results: see TestIndependent.

package postrender_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// The judge of network policies does not ask what was written, but what it lets
// through: it reads NetworkPolicies as Kubernetes documents them and
// CiliumNetworkPolicies as Cilium 1.19 does, and asks about every pair of Pods that
// the policies can tell apart. What is said of a Cluster's Pods must hold for the
// replica's too; the pair's own connections are added; nothing else may change.

// pod is what a policy can know of a Pod.
type pod struct {
	namespace string
	far       bool // it runs in the Kubernetes cluster of the other side
	labels    map[string]string
}

func (p pod) String() string {
	return fmt.Sprintf("%s%v%s", p.namespace, p.labels, map[bool]string{true: " there"}[p.far])
}

const (
	localCluster = "local"
	farCluster   = "other-side"
)

func isPolicy(o values) bool {
	group, _, _ := strings.Cut(text(o, "apiVersion"), "/")
	return group == "networking.k8s.io" && o["kind"] == "NetworkPolicy" || isCilium(o)
}

func isCilium(o values) bool {
	return strings.HasPrefix(text(o, "apiVersion"), "cilium.io/") && o["kind"] == "CiliumNetworkPolicy"
}

// inNamespace is that of the release, "blog", where none is written.
func inNamespace(o values) string {
	if namespace := text(o, "metadata", "namespace"); namespace != "" {
		return namespace
	}
	return "blog"
}

func sequence(v any) []any { s, _ := v.([]any); return s }

func mapping(v any) values { m, _ := v.(values); return m }

// label takes the source off a label of Cilium's.
func label(key string) string {
	return strings.TrimPrefix(strings.TrimPrefix(key, "k8s:"), "any:")
}

// asks lists what a selector asks for: key, operator, values.
func asks(selector values) (all [][]string) {
	for key, value := range mapping(selector["matchLabels"]) {
		all = append(all, []string{label(key), "In", fmt.Sprint(value)})
	}
	for _, e := range sequence(selector["matchExpressions"]) {
		one := []string{label(text(mapping(e), "key")), text(mapping(e), "operator")}
		for _, value := range sequence(mapping(e)["values"]) {
			one = append(one, fmt.Sprint(value))
		}
		all = append(all, one)
	}
	return all
}

func matches(selector values, labels map[string]string) bool {
	for _, ask := range asks(selector) {
		value, there := labels[ask[0]]
		listed := there && slices.Contains(ask[2:], value)
		if ok := map[string]bool{"In": listed, "NotIn": !listed, "Exists": there, "DoesNotExist": !there}[ask[1]]; !ok {
			return false
		}
	}
	return true
}

// rulesOf returns the parts of a policy that have a subject.
func rulesOf(policy values) (rules []values) {
	if spec := mapping(policy["spec"]); spec != nil {
		rules = append(rules, spec)
	}
	if isCilium(policy) {
		for _, spec := range sequence(policy["specs"]) {
			rules = append(rules, mapping(spec))
		}
	}
	return rules
}

func subjectOf(policy, rule values) values {
	if isCilium(policy) {
		if rule["endpointSelector"] == nil {
			return values{"matchLabels": values{"of-a-node": "only"}}
		}
		return mapping(rule["endpointSelector"])
	}
	return mapping(rule["podSelector"])
}

// section names the parts of a rule in a direction, "ingress" or "egress".
func section(direction string) (peers, endpoints, entities string) {
	if direction == "ingress" {
		return "from", "fromEndpoints", "fromEntities"
	}
	return "to", "toEndpoints", "toEntities"
}

// governs tells whether a rule denies what it does not admit.
func governs(policy, rule values, direction string) bool {
	if isCilium(policy) {
		if deny, ok := at(rule, "enableDefaultDeny", direction).(bool); ok {
			return deny
		}
		return len(sequence(rule[direction]))+len(sequence(rule[direction+"Deny"])) > 0
	}
	types := sequence(rule["policyTypes"])
	if len(types) == 0 {
		return direction == "ingress" || len(sequence(rule["egress"])) > 0
	}
	return slices.Contains(types, any(map[string]string{"ingress": "Ingress", "egress": "Egress"}[direction]))
}

// opens tells whether an item of a rule is about a peer and a port.
func opens(policy, item values, direction string, peer pod, port int) bool {
	from, endpoints, entities := section(direction)
	if !isCilium(policy) {
		ports, peers := sequence(item["ports"]), sequence(item[from])
		return (len(ports) == 0 || slices.ContainsFunc(ports, func(p any) bool { return isPort(mapping(p), port) })) &&
			(len(peers) == 0 || slices.ContainsFunc(peers, func(p any) bool {
				one := mapping(p)
				switch {
				case one["ipBlock"] != nil:
					return false
				case one["namespaceSelector"] != nil:
					if !matches(mapping(one["namespaceSelector"]), map[string]string{"kubernetes.io/metadata.name": peer.namespace}) {
						return false
					}
				case peer.namespace != inNamespace(policy):
					return false
				}
				return matches(mapping(one["podSelector"]), peer.labels)
			}))
	}
	peers, someone, known := false, false, true
	for key, value := range item {
		if value == nil { // as if it were not there
			continue
		}
		switch key {
		case endpoints:
			someone = true
			peers = peers || slices.ContainsFunc(sequence(value), func(s any) bool { return isEndpoint(policy, mapping(s), peer) })
		case entities:
			someone = true
			peers = peers || slices.Contains(sequence(value), any("all")) || slices.Contains(sequence(value), any("cluster")) && !peer.far
		case "toPorts", "authentication":
		default:
			known = false
		}
	}
	ports := sequence(item["toPorts"])
	if !known || !someone && len(ports) == 0 {
		return false
	}
	return (peers || !someone) && (len(ports) == 0 || slices.ContainsFunc(ports, func(p any) bool {
		return slices.ContainsFunc(sequence(mapping(p)["ports"]), func(p any) bool { return isPort(mapping(p), port) })
	}))
}

func isPort(p values, port int) bool {
	if protocol := text(p, "protocol"); protocol != "" && protocol != "TCP" && protocol != "ANY" {
		return false
	}
	if p["port"] == nil {
		return true
	}
	name := fmt.Sprint(p["port"])
	if first, err := strconv.Atoi(name); err == nil {
		last, err := strconv.Atoi(fmt.Sprint(p["endPort"]))
		return port == first || err == nil && first <= port && port <= last
	}
	return port == map[string]int{"postgresql": 5432, "status": 8000, "metrics": 9187}[name]
}

// isEndpoint reads an endpoint selector of Cilium 1.19: of the policy's namespace
// and of the local cluster, unless it says otherwise.
func isEndpoint(policy, selector values, peer pod) bool {
	const namespace, cluster = "io.kubernetes.pod.namespace", "io.cilium.k8s.policy.cluster"
	labels := map[string]string{namespace: peer.namespace, cluster: localCluster}
	if peer.far {
		labels[cluster] = farCluster
	}
	for key, value := range peer.labels {
		labels[key] = value
	}
	asked := func(key string) bool {
		return slices.ContainsFunc(asks(selector), func(ask []string) bool { return ask[0] == key })
	}
	return matches(selector, labels) &&
		(asked(namespace) || peer.namespace == inNamespace(policy)) &&
		(asked(cluster) || !peer.far)
}

// verdict is what all policies say of a connection in one direction.
type verdict struct{ governed, admitted, denied bool }

func (v verdict) allowed() bool { return (v.admitted || !v.governed) && !v.denied }

// ask asks the policies of the local cluster about a connection of one of its Pods.
func ask(policies []values, direction string, subject, peer pod, port int) (v verdict) {
	for _, policy := range policies {
		if inNamespace(policy) != subject.namespace {
			continue
		}
		for _, rule := range rulesOf(policy) {
			if !matches(subjectOf(policy, rule), subject.labels) {
				continue
			}
			v.governed = v.governed || governs(policy, rule, direction)
			for _, item := range sequence(rule[direction]) {
				v.admitted = v.admitted || opens(policy, mapping(item), direction, peer, port)
			}
			for _, item := range sequence(rule[direction+"Deny"]) {
				v.denied = v.denied || isCilium(policy) && opens(policy, mapping(item), direction, peer, port)
			}
		}
	}
	return v
}

// selectors returns every selector in a policy.
func selectors(v any) (all []values) {
	switch v := v.(type) {
	case values:
		if v["matchLabels"] != nil || v["matchExpressions"] != nil {
			all = append(all, v)
		}
		for _, child := range v {
			all = append(all, selectors(child)...)
		}
	case []any:
		for _, child := range v {
			all = append(all, selectors(child)...)
		}
	}
	return all
}

const clusterLabel = "cnpg.io/cluster"

// keyed tells whether a selector asks for the label of Clusters, and admits one, or
// excepts it by name.
func keyed(selector values, cluster string) (admits, excepts bool) {
	for _, ask := range asks(selector) {
		if ask[0] != clusterLabel || ask[1] == "DoesNotExist" {
			continue
		}
		admits = true
		excepts = excepts || ask[1] == "NotIn" && slices.Contains(ask[2:], cluster)
	}
	var only values = values{}
	for _, e := range sequence(selector["matchExpressions"]) {
		if label(text(mapping(e), "key")) == clusterLabel {
			only["matchExpressions"] = append(sequence(only["matchExpressions"]), e)
		}
	}
	for key, value := range mapping(selector["matchLabels"]) {
		if label(key) == clusterLabel {
			child(only, "matchLabels")[clusterLabel] = value
		}
	}
	return admits && matches(only, map[string]string{clusterLabel: cluster}), excepts
}

// couple is a pair in a stream.
type couple struct{ namespace, primary, replica string }

func (c couple) has(p pod) bool {
	name := p.labels[clusterLabel]
	return p.namespace == c.namespace && (name == c.primary || name == c.replica)
}

// judgePolicies compares what the policies of a stream let through before and after.
func judgePolicies(t testing.TB, c postrender.Config, in, out []values, couples []couple) {
	t.Helper()
	if len(in) == 0 {
		return
	}
	side := strings.ToLower(string(c.Side))
	if side == "secondary" {
		side = "replica"
	}
	far := func(p couple, name string) bool {
		return side == "primary" && name == p.replica || side == "replica" && name == p.primary
	}
	pods := []pod{{namespace: "blog", labels: map[string]string{}}, {namespace: "elsewhere", labels: map[string]string{}}}
	for _, policy := range append(slices.Clone(in), out...) {
		for _, selector := range selectors(policy) {
			labels := map[string]string{}
			named := false
			for _, ask := range asks(selector) {
				named = named || ask[0] == clusterLabel
				switch ask[1] {
				case "In":
					labels[ask[0]] = ask[2]
				case "Exists":
					labels[ask[0]] = "some"
				}
			}
			if !named {
				pods = append(pods, pod{namespace: inNamespace(policy), labels: labels})
				continue
			}
			for _, ask := range asks(selector) { // Clusters that are not in the stream
				if ask[0] == clusterLabel {
					for _, name := range ask[2:] {
						if !slices.ContainsFunc(couples, func(c couple) bool { return c.primary == name || c.replica == name }) {
							pods = append(pods, pod{namespace: inNamespace(policy), labels: map[string]string{clusterLabel: name}})
						}
					}
				}
			}
		}
	}
	for _, p := range couples {
		for _, name := range []string{p.primary, p.replica} {
			pods = append(pods,
				pod{p.namespace, far(p, name), map[string]string{clusterLabel: name}}, // of a job
				pod{p.namespace, far(p, name), map[string]string{clusterLabel: name, "cnpg.io/podRole": "instance"}})
		}
	}
	before := func(p pod) pod { // the Pod that it was in the stream that came in
		for _, c := range couples {
			if c.has(p) {
				labels := maps.Clone(p.labels)
				labels[clusterLabel] = c.primary
				return pod{p.namespace, false, labels}
			}
		}
		return p
	}
	shared := make(map[string][]values)
	for _, c := range couples {
		shared[c.primary] = foreign(in, c.primary)
	}
	for _, subject := range pods {
		if subject.far {
			continue // by the policies of the other side
		}
		for _, peer := range pods {
			for _, direction := range []string{"ingress", "egress"} {
				for _, port := range []int{5432, 8000, 9187, 80, 5433} {
					was := ask(in, direction, before(subject), before(peer), port)
					is := ask(out, direction, subject, peer, port)
					want := was.allowed()
					i := slices.IndexFunc(couples, func(c couple) bool { return c.has(subject) && c.has(peer) })
					sameMember := subject.labels[clusterLabel] == peer.labels[clusterLabel]
					switch {
					case i >= 0 && (port == 5432 || port == 8000 && sameMember):
						if known(in, before(subject), direction) {
							want = !was.denied
						} else if peer.far && is != was {
							continue // of the other side it is told by name only
						}
					case i >= 0 && !sameMember: // no more than any other Pod, or than policies for others too let through
						shared := shared[couples[i].primary]
						stranger := ask(in, direction, before(subject), peer, port)
						if !is.allowed() || was.allowed() && (!was.governed || stranger.admitted || ask(shared, direction, before(subject), before(peer), port).admitted) ||
							port == 8000 && known(shared, before(subject), direction) {
							continue
						}
						want = false
					case peer.far:
						if !is.allowed() {
							continue
						}
					}
					if is.allowed() != want {
						t.Errorf("%s of %v, peer %v, port %d: allowed %v, want %v", direction, subject, peer, port, is.allowed(), want)
					}
				}
			}
		}
	}
}

// known tells whether a policy that governs a direction selects a Pod by the label
// of its Cluster.
func known(policies []values, p pod, direction string) bool {
	return slices.ContainsFunc(policies, func(policy values) bool {
		return inNamespace(policy) == p.namespace && slices.ContainsFunc(rulesOf(policy), func(rule values) bool {
			subject := subjectOf(policy, rule)
			admits, _ := keyed(subject, p.labels[clusterLabel])
			return admits && matches(subject, p.labels) && governs(policy, rule, direction)
		})
	})
}

// foreign returns the policies without the rules whose subject is one Cluster alone.
func foreign(policies []values, cluster string) (others []values) {
	for _, policy := range policies {
		var rules []any
		for _, rule := range rulesOf(policy) {
			named, _ := keyed(subjectOf(policy, rule), cluster)
			stranger, _ := keyed(subjectOf(policy, rule), "a-stranger")
			others := slices.ContainsFunc(asks(subjectOf(policy, rule)), func(ask []string) bool { return ask[0] == clusterLabel && len(ask) > 3 })
			if !named || stranger || others {
				rules = append(rules, rule)
			}
		}
		without := values{"apiVersion": policy["apiVersion"], "kind": policy["kind"], "metadata": policy["metadata"]}
		if isCilium(policy) {
			without["specs"] = rules
		} else if len(rules) > 0 {
			without["spec"] = rules[0]
		}
		others = append(others, without)
	}
	return others
}

// withoutPolicies takes the policies out of the objects of a stream, and leaves for
// each that came in a mark where it stood. A copy must come after its policy, and
// tell the same of itself but for the name.
func withoutPolicies(t testing.TB, in, all []values) (rest, policies []values) {
	t.Helper()
	known := func(o values) bool {
		return slices.ContainsFunc(in, func(p values) bool {
			return p["kind"] == o["kind"] && text(p, "metadata", "name") == text(o, "metadata", "name") && text(p, "metadata", "namespace") == text(o, "metadata", "namespace")
		})
	}
	var last values
	for _, o := range all {
		if !isPolicy(o) {
			rest, last = append(rest, o), nil
			continue
		}
		policies = append(policies, o)
		if known(o) {
			rest, last = append(rest, values{"policy": text(o, "metadata", "name")}), o
			continue
		}
		if last == nil {
			t.Errorf("the policy %s stands behind no other", text(o, "metadata", "name"))
			continue
		}
		copied, origin := deepCopy(o["metadata"]).(values), deepCopy(last["metadata"]).(values)
		name := fmt.Sprint(copied["name"])
		delete(copied, "name")
		delete(origin, "name")
		for _, key := range []string{"uid", "resourceVersion"} {
			delete(origin, key)
		}
		if diff := cmp.Diff(origin, copied); diff != "" || len(name) > 253 || !strings.HasSuffix(name, "-replica") {
			t.Errorf("%s is no copy of %s: %s", name, text(last, "metadata", "name"), diff)
		}
	}
	return rest, policies
}

// judgeUntouched compares the policies that concern no pair, and sees that the
// others have only grown.
func judgeUntouched(t testing.TB, in, out []values, couples []couple) {
	t.Helper()
	for _, policy := range in {
		concerned := slices.ContainsFunc(couples, func(c couple) bool {
			return slices.ContainsFunc(selectors(policy), func(selector values) bool {
				admits, excepts := keyed(selector, c.primary)
				return admits || excepts
			})
		})
		i := slices.IndexFunc(out, func(o values) bool {
			return o["kind"] == policy["kind"] && cmp.Equal(o["metadata"], policy["metadata"])
		})
		switch {
		case i < 0:
			t.Errorf("the policy %s is gone", text(policy, "metadata", "name"))
		case !concerned && !cmp.Equal(policy, out[i]):
			t.Errorf("the policy %s has changed: %s", text(policy, "metadata", "name"), cmp.Diff(policy, out[i]))
		case !grown(policy, out[i]):
			t.Errorf("the policy %s has lost something: %s", text(policy, "metadata", "name"), cmp.Diff(policy, out[i]))
		}
	}
}

// grown tells whether a value is another one and more.
func grown(from, to any) bool {
	switch from := from.(type) {
	case values:
		for key, value := range from {
			if !grown(value, mapping(to)[key]) {
				return false
			}
		}
		return true
	case []any:
		for i, value := range from {
			if i >= len(sequence(to)) || !grown(value, sequence(to)[i]) {
				return false
			}
		}
		return true
	case nil:
		return true
	}
	return cmp.Equal(from, to)
}
