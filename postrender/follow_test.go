package postrender_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// TestFollow reads what becomes of the applications of a stream by other means than the
// renderer: names by an expression, on whole values, and variables as the kubelet works
// them out, from the secret that the operator writes.
func TestFollow(t *testing.T) {
	in, err := os.ReadFile("../testdata/follow/in.yaml")
	if err != nil {
		t.Fatal(err)
	}
	variables := 0
	for _, active := range []postrender.Config{{}, {Active: "none"}, {Active: "replica", Failover: "done"}} {
		c := cfg
		c.Active, c.Failover = active.Active, active.Failover
		plain, _, err := render(t, c, in)
		if err != nil {
			t.Fatal(err)
		}
		c.Follow = true
		out, _, err := render(t, c, in)
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := render(t, c, out)
		if err != nil || string(again) != string(out) {
			t.Errorf("a second run changes something: %v\n%s", err, cmp.Diff(string(out), string(again)))
		}
		before, after := objects(t, plain), objects(t, out)
		after = slices.DeleteFunc(after, func(o values) bool { // which TestPoolers judges
			return slices.Contains([]string{"pool-replica", "pool-active"}, text(o, "metadata", "name"))
		})
		if len(before) != len(after) {
			t.Fatalf("%d objects instead of %d", len(after), len(before))
		}
		for i := range before {
			if isCluster(before[i]) || before[i]["kind"] == "PodMonitor" { // which serves a Cluster
				if diff := cmp.Diff(before[i], after[i]); diff != "" {
					t.Errorf("a Cluster, or what serves it, has changed:\n%s", diff)
				}
				continue
			}
			namespace := text(before[i], "metadata", "namespace")
			var want, got []values
			containersIn(before[i], func(container values) {
				want = append(want, addressedIn(environment(container), namespace).(values))
				delete(container, "env")
			})
			containersIn(after[i], func(container values) {
				env := environment(container)
				maps.DeleteFunc(env, func(name string, _ any) bool { return strings.HasPrefix(name, "CNPG_PAIR_") })
				got = append(got, env)
				variables += len(env)
				delete(container, "env")
			})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: the variables (-want +got):\n%s", text(before[i], "metadata", "name"), diff)
			}
			wanted := deepCopy(before[i]).(values)
			if data, is := wanted["data"].(values); is && wanted["kind"] == "Secret" {
				for key, value := range data {
					decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value.(string)), ""))
					if err != nil {
						continue
					}
					if changed := addressedIn(string(decoded), namespace).(string); changed != string(decoded) {
						data[key] = base64.StdEncoding.EncodeToString([]byte(changed))
					}
				}
				wanted["stringData"] = addressedIn(wanted["stringData"], namespace)
			} else {
				for key, value := range wanted {
					if key != "metadata" && key != "kind" && wanted["apiVersion"] != "v1" || key == "data" || key == "stringData" || key == "spec" && wanted["kind"] == "Pod" {
						wanted[key] = addressedIn(value, namespace)
					}
				}
			}
			if diff := cmp.Diff(wanted, after[i]); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		}
	}
	if variables < 30 {
		t.Errorf("only %d variables", variables)
	}
}

// followed are the Clusters of the case, which is in one namespace, and in a part that
// leaves it out.
var followed = regexp.MustCompile(`(^|[^A-Za-z0-9_./-]|//)(blog-db|own|brought)-rw((?:\.[a-z.]*)?)($|[^A-Za-z0-9_.-])`)

// addressedIn returns a value with the write address wherever it names a Service by
// which applications write, except in labels and names.
func addressedIn(v any, namespace string) any {
	switch v := v.(type) {
	case values:
		changed := values{}
		for key, value := range v {
			_, isText := value.(string)
			switch {
			case slices.Contains([]string{"metadata", "selector", "image"}, key), key == "name" && isText && v["port"] == nil:
				changed[key] = value
			default:
				changed[key] = addressedIn(value, namespace)
			}
		}
		return changed
	case []any:
		changed := []any{}
		for _, item := range v {
			changed = append(changed, addressedIn(item, namespace))
		}
		return changed
	case string:
		for range 2 { // names that share what is between them
			v = followed.ReplaceAllStringFunc(v, func(match string) string {
				part := followed.FindStringSubmatch(match)
				switch strings.TrimSuffix(part[3], ".") {
				case "":
					if namespace != "" && namespace != "blog" {
						return match
					}
				case ".blog", ".blog.svc", ".blog.svc.cluster.local":
				default:
					return match
				}
				return part[1] + part[2] + "-active" + part[3] + part[4]
			})
		}
		return v
	}
	return v
}

// containersIn calls a function with each container of an object.
func containersIn(v any, call func(values)) {
	switch v := v.(type) {
	case values:
		for _, key := range []string{"initContainers", "containers"} {
			list, _ := v[key].([]any)
			for _, container := range list {
				call(container.(values))
			}
		}
		for _, key := range []string{"spec", "template"} {
			containersIn(v[key], call)
		}
	}
}

// secretOf is what the operator writes for a Cluster (pkg/specs/secrets.go of CNPG 1.30).
func secretOf(cluster string) map[string]string {
	host, login := cluster+"-rw", "app:s3cret"
	return map[string]string{
		"username": "app", "user": "app", "password": "s3cret", "dbname": "app", "host": host, "port": "5432",
		"uri":           "postgresql://" + login + "@" + host + ".blog:5432/app",
		"jdbc-uri":      "jdbc:postgresql://" + host + ".blog:5432/app?password=s3cret&user=app",
		"fqdn-uri":      "postgresql://" + login + "@" + host + ".blog.svc.cluster.local:5432/app",
		"fqdn-jdbc-uri": "jdbc:postgresql://" + host + ".blog.svc.cluster.local:5432/app?password=s3cret&user=app",
	}
}

// environment is that of a container, as the kubelet makes it: what is not known is
// left as it is written.
func environment(container values) values {
	secrets := map[string]map[string]string{"blog-db-app": secretOf("blog-db")} // the others are the chart's
	env := values{}
	from, _ := container["envFrom"].([]any)
	for _, source := range from {
		for key, value := range secrets[text(source.(values), "secretRef", "name")] {
			env[text(source.(values), "prefix")+key] = value
		}
	}
	list, _ := container["env"].([]any)
	for _, item := range list {
		item := item.(values)
		ref, _ := at(item, "valueFrom", "secretKeyRef").(values)
		value := text(item, "value")
		switch {
		case ref != nil && secrets[text(ref, "name")][text(ref, "key")] != "":
			value = secrets[text(ref, "name")][text(ref, "key")]
		case ref != nil:
			value = fmt.Sprint(ref["name"], "/", ref["key"])
		default:
			value = regexp.MustCompile(`\$\(([A-Z_a-z-]+)\)`).ReplaceAllStringFunc(value, func(name string) string {
				if known, is := env[name[2:len(name)-1]]; is {
					return known.(string)
				}
				return name
			})
		}
		env[text(item, "name")] = value
	}
	return env
}

// TestFollowCrowded: in a stream of which not all trees can be in memory, places have their
// lines too, and follow.
func TestFollowCrowded(t *testing.T) {
	const last = `---
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data:
  # the database
  host: sandbox-rw
  other: |
    sandbox-rw
`
	in := sandbox + "---\napiVersion: postgresql.cnpg.io/v1\nkind: Pooler\nspec:\n  list: [" + strings.Repeat("1, ", 110_000) + "2]\n" + last
	c := cfg
	c.Follow = true
	decisions, err := postrender.New(c).Explain(postrender.Source{Name: "stdin", Data: []byte(in)})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(in, "\n")
	places := decisions[0].Plan.Places
	if len(places) != 2 {
		t.Fatalf("%d places", len(places))
	}
	for _, place := range places {
		if place.Becomes != "sandbox-active" || !strings.Contains(lines[place.Line-1], "sandbox-rw") {
			t.Errorf("%+v: %s", place, lines[place.Line-1])
		}
	}
	out, _, err := render(t, c, []byte(in))
	if want := strings.ReplaceAll(last, "sandbox-rw", "sandbox-active"); err != nil || !strings.HasSuffix(string(out), want) {
		t.Errorf("%v: %s", err, out[len(out)-len(last):])
	}
}
