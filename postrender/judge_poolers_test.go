// This file must not import internal/, nor use more of package postrender than its settings and
// results: see TestIndependent.

package postrender_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// pooler is one that must get a twin.
type pooler struct {
	couple
	name, twin, address string
}

// wantPoolers returns a stream with what must become of the Poolers of pairs, and of the
// places that name them, where applications follow: docs/reference.md, written down a
// second time.
func wantPoolers(c postrender.Config, before, want []values, couples []couple) []values {
	if !c.Follow {
		return want
	}
	poolers := poolersOf(before, couples)
	var all []values
	for _, o := range want {
		name, here := text(o, "metadata", "name"), inNamespace(o)
		own := slices.IndexFunc(poolers, func(p pooler) bool { return isPooler(o) && p.name == name && p.namespace == here })
		switch {
		case own >= 0:
			all = append(all, wantTwin(c, o, poolers[own])...)
		case isCluster(o):
			all = append(all, nameInCertificate(o, poolers))
		case isPolicy(o) || isPooler(o):
			all = append(all, o)
		default:
			all = append(all, toAddresses(o, poolers))
		}
	}
	return all
}

func isPooler(o values) bool {
	return strings.HasPrefix(text(o, "apiVersion"), "postgresql.cnpg.io/") && o["kind"] == "Pooler"
}

// poolersOf finds those that write to a pair, and for which the names are free.
func poolersOf(before []values, couples []couple) (found []pooler) {
	taken := make(map[[2]string]bool)
	claim := func(namespace string, names ...string) {
		for _, name := range names {
			taken[[2]string{namespace, name}] = true
		}
	}
	services := func(namespace, cluster string) {
		claim(namespace, cluster, cluster+"-rw", cluster+"-ro", cluster+"-r", cluster+"-mesh")
	}
	for _, o := range before {
		if o["kind"] == "Service" || isPooler(o) {
			claim(inNamespace(o), text(o, "metadata", "name"))
		}
		if isCluster(o) {
			services(inNamespace(o), text(o, "metadata", "name"))
		}
	}
	for _, pair := range couples {
		services(pair.namespace, pair.replica)
		claim(pair.namespace, pair.primary+"-active")
	}
	for _, o := range before {
		kind, name, namespace := text(o, "spec", "type"), text(o, "metadata", "name"), inNamespace(o)
		if !isPooler(o) || kind != "" && kind != "rw" {
			continue
		}
		for _, pair := range couples {
			twin, address := wantShort(name, "-replica"), wantShort(name, "-active")
			if pair.primary == text(o, "spec", "cluster", "name") && pair.namespace == namespace && !taken[[2]string{namespace, twin}] && !taken[[2]string{namespace, address}] {
				claim(namespace, twin, address)
				found = append(found, pooler{pair, name, twin, address})
			}
		}
	}
	return found
}

func wantShort(name, suffix string) string {
	if len(name+suffix) <= 63 {
		return name + suffix
	}
	return name[:63-9-len(suffix)] + fmt.Sprintf("-%x", sha256.Sum256([]byte(name)))[:9] + suffix
}

// wantTwin returns the Pooler, its twin and their Service.
func wantTwin(c postrender.Config, o values, p pooler) []values {
	twin, like := deepCopy(o).(values), deepCopy(o).(values)
	child(twin, "metadata")["name"] = p.twin
	dropLive(twin)
	child(child(twin, "spec"), "cluster")["name"] = p.replica
	placeTwin(c, twin, p)
	if c.Active == "replica" || c.Active == "none" {
		child(child(twin, "metadata"), "annotations")["helm.sh/resource-policy"] = "keep"
	}
	child(like, "metadata")["name"] = p.primary
	service := wantWriteAddress(c, like, c.Active == "none" || c.Active == "replica" || c.PromotionToken != "" || c.Failover == "now", p.address)
	switch c.Active {
	case "", "primary":
		child(service, "spec")["selector"] = values{"cnpg.io/cluster": p.primary, "cnpg.io/poolerName": p.name}
	case "replica":
		child(service, "spec")["selector"] = values{"cnpg.io/cluster": p.replica, "cnpg.io/poolerName": p.twin}
	}
	switch c.Side {
	case "primary":
		return []values{o, service}
	case "replica", "secondary":
		return []values{twin, service}
	}
	return []values{o, twin, service}
}

// placeTwin has the twin's Pods run in the replica's region, and select their own where the
// Pooler's do.
func placeTwin(c postrender.Config, twin values, p pooler) {
	pod := child(child(child(twin, "spec"), "template"), "spec")
	pin(child(pod, "affinity"), pod, "replica", c.ReplicaRegion, c.PrimaryRegion)
	if pod["containers"] == nil {
		pod["containers"] = []any{}
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case values:
			if selector, ok := v["labelSelector"].(values); ok {
				moveLabel(selector, "cnpg.io/poolerName", p.name, p.twin)
				moveLabel(selector, "cnpg.io/cluster", p.primary, p.replica)
			}
			for _, child := range v {
				walk(child)
			}
		case []any:
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(pod)
}

// nameInCertificate adds the Services to the names of a member's certificate.
func nameInCertificate(o values, poolers []pooler) values {
	own, _ := at(o, "spec", "certificates", "serverAltDNSNames").([]any)
	o = deepCopy(o).(values)
	names := slices.Clone(own)
	for _, name := range own {
		for _, p := range poolers {
			member := text(o, "metadata", "name")
			first, rest, _ := strings.Cut(name.(string), ".")
			add := strings.TrimSuffix(p.address+"."+rest, ".")
			if first == p.name && (member == p.primary || member == p.replica) && !slices.Contains(names, any(add)) {
				names = append(names, add)
			}
		}
	}
	if len(names) > len(own) {
		child(child(o, "spec"), "certificates")["serverAltDNSNames"] = names
	}
	return o
}

// toAddresses changes the places of an object that name a Pooler as a host. All of the
// cases are in the namespace blog.
func toAddresses(o values, poolers []pooler) values {
	o = deepCopy(o).(values)
	for _, p := range poolers {
		for key, value := range o {
			switch data, isData := value.(values); {
			case slices.Contains([]string{"apiVersion", "kind", "metadata", "status"}, key):
			case isData && key == "data" && o["kind"] == "Secret":
				for key, value := range data {
					if decoded, err := base64.StdEncoding.DecodeString(fmt.Sprint(value)); err == nil {
						data[key] = base64.StdEncoding.EncodeToString([]byte(p.toAddress(key, string(decoded))))
					}
				}
			default:
				o[key] = p.inValue(key, value)
			}
		}
	}
	return o
}

func (p pooler) inValue(key string, v any) any {
	switch v := v.(type) {
	case values:
		for key, value := range v {
			of := key
			if name := text(v, "name"); key == "value" && name != "" {
				of = name
			}
			if !slices.Contains([]string{"metadata", "labels", "selector", "image", "name"}, key) {
				v[key] = p.inValue(of, value)
			}
		}
	case []any:
		for i, item := range v {
			v[i] = p.inValue(key, item)
		}
	case string:
		return p.toAddress(key, v)
	}
	return v
}

// toAddress changes a text by expressions: what stands before the name, and what follows it.
func (p pooler) toAddress(key, v string) string {
	const (
		domain = `((?:\.blog(?:\.svc(?:\.[a-z.]+)?)?)?`
		end    = `(?:$|[^A-Za-z0-9_.:@-]|:\$|:5432(?:$|[^A-Za-z0-9@])))`
		says   = `[A-Za-z0-9_.-]*(?i:host|server|addr)[A-Za-z0-9_.-]*`
	)
	around := [][2]string{
		{`(://)`, domain + `(?:$|[/?# "'\n]|:\$\([A-Z]+\)(?:/|$)|:5432(?:$|[/?# "'\n])))`},
		{`(://[^ \n"'/@]*@)`, domain + end},
		{`((?:^|[^A-Za-z0-9_./-]|//))`, domain + `:5432(?:$|[^A-Za-z0-9@]))`},
		{`((?i:host)=["']?)`, domain + end},
		{`((?m:^)[ -]*(?:export )?["']?` + says + `["']?[ ]*[:=][ ]*["']?)`, domain + `["']?[ \r]*,?(?m:$))`},
		{`(["']` + says + `["'] *: *["'])`, domain + `["'] *[,}])`},
	}
	if regexp.MustCompile(`^` + says + `$`).MatchString(key) {
		around = append(around, [2]string{`(^\s*)`, domain + `\s*$)`})
	}
	for _, a := range around {
		for range 2 { // names that share what is between them
			v = regexp.MustCompile(a[0]+regexp.QuoteMeta(p.name)+a[1]).ReplaceAllString(v, "${1}"+p.address+"${2}")
		}
	}
	return v
}

// TestPoolers judges the cases with Poolers, with all settings.
func TestPoolers(t *testing.T) {
	twins := 0
	for _, name := range []string{"follow-pooler", "follow-pooler-states", "follow-pooler-name-taken"} {
		in, err := os.ReadFile("../testdata/" + name + "/in.yaml")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range matrix() {
			c.Follow = true
			out, decisions, err := render(t, c, in)
			if err != nil {
				t.Fatalf("%+v: %v", c, err)
			}
			judgeStream(t, c, in, out, decisions)
			if t.Failed() {
				t.Fatalf("%s: settings %+v", name, c)
			}
			twins += strings.Count(string(out), "cnpg.io/poolerName: ")
			if again, _, err := render(t, c, out); err != nil || string(again) != string(out) {
				t.Fatalf("a second run changes something: %v", err)
			}
		}
	}
	if twins < 90 {
		t.Errorf("only %d Services of Poolers", twins)
	}
}

// TestPoolerPolicies: what a selector of a policy says of the Pods of a Pooler, it says of
// those of its twin, and of all other Pods the same as without the twin.
func TestPoolerPolicies(t *testing.T) {
	in, err := os.ReadFile("../testdata/follow-pooler-policies/in.yaml")
	if err != nil {
		t.Fatal(err)
	}
	selected := 0
	for _, c := range matrix() {
		var without, with []values
		for _, follow := range []bool{false, true} {
			c.Follow = follow
			out, _, err := render(t, c, in)
			if err != nil {
				t.Fatal(err)
			}
			without, with = with, selectorsOf(objects(t, out))
		}
		if len(without) != len(with) {
			t.Fatalf("%d selectors instead of %d", len(with), len(without))
		}
		for i, selector := range with {
			for _, cluster := range []string{"blog-db", "blog-db-replica", ""} {
				pod := func(pooler string) map[string]string {
					return map[string]string{"cnpg.io/cluster": cluster, "cnpg.io/poolerName": pooler, "cnpg.io/podRole": "pooler"}
				}
				if matches(selector, pod("pool")) != matches(selector, pod("pool-replica")) {
					t.Errorf("%+v: %v tells the Pods of the Pooler and of its twin apart", c, selector)
				}
				if matches(selector, pod("pool-replica")) {
					selected++
				}
				for _, pod := range []map[string]string{pod("pool"), pod("pool-ro"), {"app": "blog"}, {"cnpg.io/cluster": cluster}} {
					if matches(selector, pod) != matches(without[i], pod) {
						t.Errorf("%+v: %v says something else of %v than %v", c, selector, pod, without[i])
					}
				}
			}
		}
	}
	if selected < 300 {
		t.Errorf("the twin was selected %d times", selected)
	}
}

// selectorsOf are those of the policies that may mean the namespace blog.
func selectorsOf(objects []values) (all []values) {
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case values:
			if v["matchLabels"] != nil || v["matchExpressions"] != nil {
				all = append(all, v)
			}
			for _, key := range []string{"spec", "podSelector", "endpointSelector", "ingress", "egress", "from", "to", "fromEndpoints", "toEndpoints"} {
				walk(v[key])
			}
		case []any:
			for _, item := range v {
				walk(item)
			}
		}
	}
	for _, o := range objects {
		if isPolicy(o) && inNamespace(o) == "blog" {
			walk(o)
		}
	}
	return all
}
