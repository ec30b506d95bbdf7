package postrender_test

import (
	"errors"
	"strings"
	"testing"

	apiv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

const sandbox = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: sandbox
  namespace: tenants
spec:
  instances: 1
  bootstrap:
    initdb:
      database: shop
      owner: shopper
  storage:
    size: 1Gi
`

// TestExpand holds the single call against the renderer: the same pair from a
// text, from an API object, from a pointer to one, and from a map.
func TestExpand(t *testing.T) {
	in := decode(t, sandbox)
	want := []values{wantPrimary(in), wantReplica(in)}
	check := func(t *testing.T, members ...values) {
		t.Helper()
		if diff := cmp.Diff(want, members); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}

	fromString, err := postrender.Expand(cfg, sandbox)
	if err != nil || fromString.Decision.Action != postrender.Paired {
		t.Fatal(fromString.Decision, err)
	}
	check(t, decode(t, fromString.Primary), decode(t, fromString.Replica))
	if len(fromString.Services) != 1 || !cmp.Equal(wantWriteAddress(cfg, in, false, "sandbox-active"), decode(t, fromString.Services[0])) {
		t.Errorf("the Services: %v", fromString.Services)
	}
	stream, _, err := render(t, cfg, []byte(sandbox))
	if err != nil || string(stream) != fromString.Primary+"---\n"+fromString.Replica+"---\n"+fromString.Services[0] {
		t.Errorf("the renderer makes another pair: %v\n%s", err, stream)
	}

	fromBytes, err := postrender.Expand(cfg, []byte(sandbox))
	if err != nil || string(fromBytes.Primary) != fromString.Primary || string(fromBytes.Replica) != fromString.Replica {
		t.Errorf("from bytes: %v", err)
	}

	object := apiv1.Cluster{
		ObjectMeta: metav1.ObjectMeta{Name: "sandbox", Namespace: "tenants"},
		Spec: apiv1.ClusterSpec{
			Instances:            1,
			Bootstrap:            &apiv1.BootstrapConfiguration{InitDB: &apiv1.BootstrapInitDB{Database: "shop", Owner: "shopper"}},
			StorageConfiguration: apiv1.StorageConfiguration{Size: "1Gi"},
		},
	}
	typed := func(text string) (c apiv1.Cluster) {
		t.Helper()
		if err := sigsyaml.UnmarshalStrict([]byte(text), &c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	fromObject, err := postrender.Expand(cfg, object)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]apiv1.Cluster{typed(fromString.Primary), typed(fromString.Replica)},
		[]apiv1.Cluster{fromObject.Primary, fromObject.Replica}); diff != "" {
		t.Errorf("from an API object (-want +got):\n%s", diff)
	}
	fromPointer, err := postrender.Expand(cfg, &object)
	if err != nil || !cmp.Equal(*fromPointer.Primary, fromObject.Primary) || !cmp.Equal(*fromPointer.Replica, fromObject.Replica) {
		t.Errorf("from a pointer: %v", err)
	}
	if object.Labels != nil {
		t.Error("the object that went in was changed")
	}

	fromUnstructured, err := postrender.Expand(cfg, unstructured.Unstructured{Object: deepCopy(in).(values)})
	if err != nil || fromUnstructured.Replica.GetName() != "sandbox-replica" {
		t.Errorf("from an unstructured object: %v", err)
	}
}

// TestExpandSingle: what is not paired comes back as it went in, with a reason.
func TestExpandSingle(t *testing.T) {
	noRegion := cfg
	noRegion.ReplicaRegion = ""
	for name, c := range map[string]struct {
		cfg    postrender.Config
		in     string
		action postrender.Action
		reason string
	}{
		"off":              {postrender.Config{}, sandbox, postrender.LeftAlone, "hot standby is off"},
		"empty replica":    {noRegion, sandbox, postrender.LeftAlone, "SOVEREIGN_REPLICA_REGION is empty"},
		"a replica itself": {cfg, sandbox + "  replica:\n    source: x\n", postrender.LeftAlone, "spec.replica"},
		"a wrong name":     {cfg, strings.Replace(sandbox, "name: sandbox", "name: a.b", 1), postrender.CannotBePaired, "DNS-1035"},
	} {
		t.Run(name, func(t *testing.T) {
			pair, err := postrender.Expand(c.cfg, c.in)
			if err != nil || pair.Primary != c.in || pair.Replica != "" || pair.Decision.Action != c.action || !strings.Contains(pair.Decision.Text(), c.reason) {
				t.Errorf("%+v, %v", pair, err)
			}
			strict := c.cfg
			strict.Strict = true
			if _, err := postrender.Expand(strict, c.in); (err != nil) != (name == "empty replica" || name == "a wrong name") {
				t.Errorf("with Strict: %v", err)
			}
		})
	}
}

// TestExpandErrors: each names what is wrong with the Cluster.
func TestExpandErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                          "cluster: expected one Cluster of postgresql.cnpg.io",
		"kind: Service\n":           "cluster: expected one Cluster of postgresql.cnpg.io",
		sandbox + "---\n" + sandbox: "cluster: expected one Cluster of postgresql.cnpg.io",
		sandbox + "  affinity: 1\n": "cluster:14: Cluster tenants/sandbox: spec.affinity: expected a mapping",
		sandbox + " x\n":            "cluster:14: Cluster sandbox: not YAML: ",
	} {
		pair, err := postrender.Expand(cfg, in)
		var located *postrender.Error
		if !errors.As(err, &located) || !strings.HasPrefix(err.Error(), want) || pair.Replica != "" || pair.Primary != in {
			t.Errorf("%q: %v", in, err)
		}
	}
	if _, err := postrender.Expand(cfg, func() {}); err == nil || !strings.Contains(err.Error(), "encode the Cluster") {
		t.Errorf("a function: %v", err)
	}
	if _, err := postrender.Expand(cfg, unreadable{}); err == nil || !strings.Contains(err.Error(), "decode the Cluster: ") {
		t.Errorf("what cannot be decoded: %v", err)
	}
}

// unreadable can be encoded only.
type unreadable struct{}

func (unreadable) MarshalJSON() ([]byte, error) {
	return []byte(`{"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster","metadata":{"name":"db"},"spec":{"instances":1}}`), nil
}

func (*unreadable) UnmarshalJSON([]byte) error { return errors.New("never") }
