// This file must not import internal/, nor use more of package postrender than its settings and
// results: see TestIndependent.

package postrender_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// podsOf are the labels of each Pod of a member, as CloudNativePG 1.30 sets them
// (pkg/specs/pods.go).
func podsOf(name, role, region string, instances int, inherited map[string]string) (pods []map[string]string) {
	for i := range instances {
		of := map[bool]string{true: "primary", false: "replica"}[i == 0]
		labels := map[string]string{
			"cnpg.io/cluster": name, "cnpg.io/instanceName": fmt.Sprintf("%s-%d", name, i+1), "cnpg.io/podRole": "instance",
			"cnpg.io/instanceRole": of, "role": of,
			"app.kubernetes.io/name": "postgresql", "app.kubernetes.io/instance": name, "app.kubernetes.io/version": "17",
			"app.kubernetes.io/component": "database", "app.kubernetes.io/managed-by": "cloudnative-pg",
		}
		for key, value := range inherited {
			labels[key] = value
		}
		labels["openova.io/cnpg-role"], labels["openova.io/region"] = role, region
		pods = append(pods, labels)
	}
	return pods
}

func flowMap(m map[string]string) string {
	var parts []string
	for key, value := range m {
		parts = append(parts, fmt.Sprintf("%s: %q", key, value))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// TestServicesReachBoth draws Services, and looks at every Pod of both members.
func TestServicesReachBoth(t *testing.T) {
	words := map[string][]string{
		"cnpg.io/cluster": {"db", "db-replica", "other"}, "cnpg.io/instanceName": {"db-1", "db-replica-1"}, "cnpg.io/podRole": {"instance", "pooler"},
		"cnpg.io/instanceRole": {"primary", "replica"}, "role": {"primary", "replica"}, "app.kubernetes.io/name": {"postgresql", "blog"},
		"app.kubernetes.io/instance": {"db", "blog"}, "app.kubernetes.io/version": {"17"}, "app.kubernetes.io/managed-by": {"cloudnative-pg", "Helm"},
		"openova.io/cnpg-role": {"primary", "replica"}, "openova.io/region": {"fsn1"}, "app": {"blog", "web", ""}, "tier": {"data"},
	}
	reaching := 0
	for seed := range uint64(1500) {
		random := rand.New(rand.NewPCG(seed, 3))
		draw := func(percent int, keys ...string) map[string]string {
			drawn := map[string]string{}
			for _, key := range keys {
				if random.IntN(100) < percent {
					drawn[key] = words[key][random.IntN(len(words[key]))]
				}
			}
			return drawn
		}
		inherited := draw(60, "app", "tier", "app.kubernetes.io/name", "app.kubernetes.io/instance", "openova.io/region")
		var keys []string
		for key := range words {
			keys = append(keys, key)
		}
		// maps are not in order, so what is drawn of them is printed, not the seed alone
		selector, instances := draw(15, keys...), 1+random.IntN(2)
		stream := fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec:\n  selector: %s\n---\napiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: db}\nspec:\n  instances: %d\n  inheritedMetadata: {labels: %s}\n",
			flowMap(selector), instances, flowMap(inherited))
		reached := map[string]bool{}
		for _, pod := range append(podsOf("db", "primary", "fsn1", instances, inherited), podsOf("db-replica", "replica", "hel1", instances, inherited)...) {
			selected := len(selector) > 0
			for key, value := range selector {
				has, there := pod[key]
				selected = selected && there && has == value
			}
			if selected {
				reached[pod["openova.io/cnpg-role"]] = true
			}
		}
		want := len(reached) == 2
		for _, strict := range []bool{false, true} {
			c := cfg
			c.Strict = strict
			warned := false
			r := &postrender.Renderer{Config: c, Warn: func(err error) {
				var about *postrender.Error
				warned = warned || errors.As(err, &about) && about.Object == "Service s" && about.Line == 1
			}}
			_, err := r.Run(bytes.NewBufferString(stream))
			if failed := err != nil; failed != (want && strict) || warned != (want && !strict) {
				t.Fatalf("reaches both: %v; strict %v, warned %v, error %v:\n%s", want, strict, warned, err, stream)
			}
		}
		if want {
			reaching++
		}
	}
	if reaching < 200 {
		t.Errorf("only %d Services that reach both members", reaching)
	}
}

// TestRegionIsEnough schedules the Pods of both members as Kubernetes does, on ten
// nodes in each region: a Cluster is paired exactly if all find a node.
func TestRegionIsEnough(t *testing.T) {
	tried := map[bool]int{}
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 5))
		pick := func(list ...string) string { return list[random.IntN(len(list))] }
		instances := 1 + random.IntN(4)
		key := pick("openova.io/region", "topology.kubernetes.io/region", "kubernetes.io/hostname")
		kind, required := pick("none", "preferred", "required"), false
		affinity := ""
		if kind != "none" {
			affinity = fmt.Sprintf("\n  affinity: {podAntiAffinityType: %s, topologyKey: %s}", kind, key)
			required = kind == "required"
		}
		skew, domains := 1+random.IntN(3), random.IntN(4) // no minDomains is 0
		spreadKey := pick("openova.io/region", "topology.kubernetes.io/region", "kubernetes.io/hostname")
		unsatisfiable, policy := pick("DoNotSchedule", "ScheduleAnyway"), pick("Honor", "Ignore", "")
		if spreadKey == "kubernetes.io/hostname" {
			policy = "" // of hosts there may be any number, which is not for cnpg-pair to judge
			domains = 0
		}
		own := pick("cnpg.io/cluster: db", "app.kubernetes.io/name: postgresql, app: blog", "app: web")
		spread := fmt.Sprintf("\n  topologySpreadConstraints:\n  - {maxSkew: %d, topologyKey: %s, whenUnsatisfiable: %s, labelSelector: {matchLabels: {%s}}", skew, spreadKey, unsatisfiable, own)
		if domains > 0 {
			spread += fmt.Sprintf(", minDomains: %d", domains)
		}
		if policy != "" {
			spread += ", nodeAffinityPolicy: " + policy
		}
		stream := fmt.Sprintf("apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: db}\nspec:\n  instances: %d\n  inheritedMetadata: {labels: {app: blog}}%s%s}\n", instances, affinity, spread)

		type node struct{ region, host string }
		var nodes []node
		for i := range 10 {
			nodes = append(nodes, node{"fsn1", fmt.Sprint("f", i)}, node{"hel1", fmt.Sprint("h", i)})
		}
		domain := func(n node, key string) string {
			if key == "kubernetes.io/hostname" {
				return n.host
			}
			return n.region
		}
		fits := true
		for _, region := range []string{"fsn1", "hel1"} { // each member alone, as in a region that is left
			pods := map[node]int{}
			for range instances {
				placed := false
				for _, n := range nodes {
					if n.region != region || placed {
						continue
					}
					counts, least := map[string]int{}, 1<<30
					for _, other := range nodes {
						if policy != "Ignore" && other.region != region {
							continue
						}
						counts[domain(other, spreadKey)] += 0
						if own != "app: web" {
							counts[domain(other, spreadKey)] += pods[other]
						}
					}
					for _, count := range counts {
						least = min(least, count)
					}
					if len(counts) < domains {
						least = 0
					}
					self := 1
					if own == "app: web" {
						self = 0
					}
					ok := unsatisfiable == "ScheduleAnyway" || counts[domain(n, spreadKey)]+self-least <= skew
					for other, count := range pods {
						ok = ok && !(required && count > 0 && domain(other, key) == domain(n, key))
					}
					if ok {
						pods[n]++
						placed = true
					}
				}
				fits = fits && placed
			}
		}
		_, decisions, err := render(t, cfg, []byte(stream))
		if err != nil {
			t.Fatalf("%v:\n%s", err, stream)
		}
		tried[fits]++
		if paired := decisions[0].Action == postrender.Paired; paired != fits {
			t.Fatalf("seed %d: all Pods find a node: %v, but %s: %s\n%s", seed, fits, decisions[0].Action, decisions[0].Text(), stream)
		}
	}
	if tried[true] < 200 || tried[false] < 200 {
		t.Errorf("not enough of each: %v", tried)
	}
}
