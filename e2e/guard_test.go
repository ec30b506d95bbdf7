// This file must not import code of this repository: see TestIndependent in postrender/.

package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	pairLabel          = "catalyst.openova.io/cnpg-pair"
	roleLabel          = "openova.io/cnpg-role"
	regionLabel        = "openova.io/region"
	activeAnnotation   = "cnpg-pair.openova.io/active"
	failoverAnnotation = "cnpg-pair.openova.io/failover"
	allowAnnotation    = "cnpg-pair.openova.io/allow"
	fenceAnnotation    = "cnpg.io/fencedInstances"
)

// A state is what cnpg-pair renders into both members of a pair; at rest, nothing.
type state struct{ active, token, failover string }

// The states. The tokens are those of the first and of the second switchover.
var (
	atRest       = state{}
	none         = state{active: "none"}
	replicaToken = state{active: "replica", token: promotionToken(1)}
	replicaNow   = state{active: "replica", failover: "now"}
	replicaDone  = state{active: "replica", failover: "done"}
	primaryToken = state{active: "primary", token: promotionToken(2)}
	primaryNow   = state{active: "primary", failover: "now"}
)

// promotionToken is one that CloudNativePG admits.
func promotionToken(timeline int) string {
	text, err := json.Marshal(map[string]string{
		"latestCheckpointTimelineID":   fmt.Sprint(timeline),
		"redoWalFile":                  fmt.Sprintf("%08X0000000000000004", timeline),
		"databaseSystemIdentifier":     "7400000000000000000",
		"latestCheckpointREDOLocation": "0/4000028",
		"timeOfLatestCheckpoint":       "Mon Nov 23 12:00:00 2026",
		"operatorVersion":              "1.30.0",
	})
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(text)
}

// a change makes of an object, as it is stored, what is sent.
type change func(*unstructured.Unstructured)

// in is the change to a state of the pair. Each member knows which it is.
func in(s state) change {
	return func(member *unstructured.Unstructured) {
		pair, role := member.GetLabels()[pairLabel], member.GetLabels()[roleLabel]
		writes := s.active != "none" && (s.active == "replica") == (role == "replica")
		annotations := map[string]string{activeAnnotation: s.active}
		if s.failover == "now" {
			annotations[failoverAnnotation] = "now"
			if !writes {
				annotations[fenceAnnotation] = `["*"]`
			}
		}
		annotate(activeAnnotation, annotations[activeAnnotation])(member)
		annotate(failoverAnnotation, annotations[failoverAnnotation])(member)
		annotate(fenceAnnotation, annotations[fenceAnnotation])(member)
		switch {
		case s == atRest && writes:
			replicaSpec(nil)(member)
		case writes && s.token != "":
			replicaSpec(map[string]any{"enabled": false, "source": otherMember(pair, role), "promotionToken": s.token})(member)
		default:
			replicaSpec(map[string]any{"enabled": !writes, "source": otherMember(pair, role)})(member)
		}
	}
}

// otherMember is the name of the member that does not have this role.
func otherMember(pair, role string) string {
	if role == "primary" {
		return pair + "-replica"
	}
	return pair
}

// replicaSpec is the change to spec.replica, or without it.
func replicaSpec(spec map[string]any) change {
	return func(member *unstructured.Unstructured) {
		if spec == nil {
			unstructured.RemoveNestedField(member.Object, "spec", "replica")
		} else {
			set(member, spec, "spec", "replica")
		}
	}
}

func set(object *unstructured.Unstructured, value any, fields ...string) {
	if err := unstructured.SetNestedField(object.Object, value, fields...); err != nil {
		panic(err)
	}
}

// annotate is the change to an annotation, which goes where the value is empty.
func annotate(name, value string) change { return meta("annotations", name, value) }

// label is annotate for a label.
func label(name, value string) change { return meta("labels", name, value) }

func meta(field, name, value string) change {
	return func(object *unstructured.Unstructured) {
		if value == "" {
			unstructured.RemoveNestedField(object.Object, "metadata", field, name)
		} else {
			set(object, value, "metadata", field, name)
		}
	}
}

// all are changes, one after the other.
func all(changes ...change) change {
	return func(object *unstructured.Unstructured) {
		for _, change := range changes {
			change(object)
		}
	}
}

// off is what remains of the primary where hot standby is off.
func off(member *unstructured.Unstructured) {
	all(in(atRest), label(pairLabel, ""), label(roleLabel, ""), label(regionLabel, ""))(member)
}

// memberOfPair is a member at rest, as far as the guard looks, and the API server.
func memberOfPair(pair, role string) *unstructured.Unstructured {
	name, region := pair, "region-a"
	if role == "replica" {
		name, region = pair+"-replica", "region-b"
	}
	source := otherMember(pair, role)
	external := func(name string) any {
		return map[string]any{"name": name, "connectionParameters": map[string]any{"host": name + "-mesh"}}
	}
	member := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "postgresql.cnpg.io/v1",
		"kind":       "Cluster",
		"metadata": map[string]any{
			"name":   name,
			"labels": map[string]any{pairLabel: pair, roleLabel: role, regionLabel: region},
		},
		"spec": map[string]any{
			"instances":        int64(1),
			"storage":          map[string]any{"size": "1Gi"},
			"bootstrap":        map[string]any{"pg_basebackup": map[string]any{"source": source}},
			"externalClusters": []any{external(source), external(name)},
		},
	}}
	in(atRest)(member)
	return member
}

// writeAddress is the Service by which applications reach the member that takes writes.
func writeAddress(pair, leadsTo string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1",
		"kind":       "Service",
		"metadata": map[string]any{
			"name":   pair + "-active",
			"labels": map[string]any{pairLabel: pair, "catalyst.openova.io/role": "write-address"},
		},
		"spec": map[string]any{
			"selector": map[string]any{"cnpg.io/cluster": leadsTo, "cnpg.io/instanceRole": "primary"},
			"ports":    []any{map[string]any{"port": int64(5432)}},
		},
	}}
}

// leadTo is the change of a Service to another Cluster, or to none.
func leadTo(cluster string) change {
	return func(service *unstructured.Unstructured) {
		if cluster == "" {
			unstructured.RemoveNestedField(service.Object, "spec", "selector", "cnpg.io/cluster")
		} else {
			set(service, cluster, "spec", "selector", "cnpg.io/cluster")
		}
	}
}

var serviceResource = schema.GroupVersionResource{Version: "v1", Resource: "services"}

func (p *controlPlane) create(t testing.TB, namespace string, object *unstructured.Unstructured) {
	t.Helper()
	if _, err := p.client.Resource(resourceOf(object.GetKind())).Namespace(namespace).Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func resourceOf(kind string) schema.GroupVersionResource {
	if kind == "Service" {
		return serviceResource
	}
	return clusterResource
}

// tryUpdate sends a change of an object, or, where it is nil, that it is to be deleted. The
// API server admits or refuses it, and stores nothing.
func (p *controlPlane) tryUpdate(namespace, kind, name string, change change) error {
	dryRun := []string{metav1.DryRunAll}
	resource := p.client.Resource(resourceOf(kind)).Namespace(namespace)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if change == nil {
			return resource.Delete(ctx, name, metav1.DeleteOptions{DryRun: dryRun})
		}
		object, err := resource.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		change(object)
		_, err = resource.Update(ctx, object, metav1.UpdateOptions{DryRun: dryRun})
		if !apierrors.IsConflict(err) { // the operator writes to it too
			return err
		}
	}
}

// guardOn installs the guard until the end of the test. The namespaces of the test must be
// there already: they are emptied when the guard has gone.
func (p *controlPlane) guardOn(t *testing.T) {
	t.Helper()
	if out, err := p.try("", "get", "validatingadmissionpolicies", "cnpg-pair-guard"); err == nil {
		t.Fatalf("the cluster has the guard, and this test would remove it:\n%s", out)
	}
	manifests, stderr, err := run(nil, "", binary, "guard")
	if err != nil {
		t.Fatalf("cnpg-pair guard: %v\n%s", err, stderr)
	}
	namespace := p.namespace(t, "canary")
	p.create(t, namespace, memberOfPair("canary", "replica"))
	p.create(t, namespace, writeAddress("canary", "canary"))
	// the API server sees a policy, and that it has gone, after a moment
	settled := func(on bool) error {
		for kind, refused := range map[string]error{
			"Cluster": p.tryUpdate(namespace, "Cluster", "canary-replica", replicaSpec(nil)),
			"Service": p.tryUpdate(namespace, "Service", "canary-active", leadTo("")),
		} {
			if apierrors.IsForbidden(refused) != on {
				return fmt.Errorf("%s: %v", kind, refused)
			}
		}
		return nil
	}
	p.kubectl(t, manifests, "apply", "-f", "-")
	t.Cleanup(func() {
		p.kubectl(t, manifests, "delete", "-f", "-")
		eventually(t, 30*time.Second, "the guard has gone", func() error { return settled(false) })
	})
	eventually(t, 30*time.Second, "the guard refuses", func() error { return settled(true) })
}

// TestAdmissionGuard: what the guard refuses, with which words, and what it lets pass.
func TestAdmissionGuard(t *testing.T) {
	plane := theControlPlane(t)
	namespace := plane.namespace(t, "guard")
	// a pair in each state that an update begins in
	pairs := map[string]state{
		"rest": atRest, "none": none, "replica-token": replicaToken, "replica-now": replicaNow, "replica-done": replicaDone,
		"primary-token": primaryToken, "primary-now": primaryNow, "used": none, "opened": replicaDone, "topology": none,
	}
	for pair, state := range pairs {
		for _, role := range []string{"primary", "replica"} {
			member := memberOfPair(pair, role)
			in(state)(member)
			switch pair {
			case "opened":
				annotate(allowAnnotation, "delete")(member)
			case "used":
				annotate("cnpg.io/reconciliationLoop", "disabled")(member) // the operator would forget the token
			case "topology":
				replicaSpec(map[string]any{"primary": otherMember(pair, role), "source": otherMember(pair, role)})(member)
			}
			plane.create(t, namespace, member)
		}
		plane.create(t, namespace, writeAddress(pair, map[bool]string{true: pair + "-replica", false: pair}[state.active == "replica"]))
	}
	long := "a-name-of-fifty-characters-so-that-its-replica-has" // a part of it
	plane.create(t, namespace, writeAddress(long, long))
	eventually(t, 30*time.Second, "a token is used", func() error {
		_, err := plane.try("", "-n", namespace, "patch", "clusters.postgresql.cnpg.io", "used-replica", "--subresource=status", "--type=merge", "-p", `{"status":{"lastPromotionToken":"`+replicaToken.token+`"}}`)
		return err
	})
	// a Cluster that is no member may do all that
	alone := memberOfPair("alone", "replica")
	label(pairLabel, "")(alone)
	plane.create(t, namespace, alone)
	plane.guardOn(t)

	const (
		promotes   = "follows the other member of its pair, and would take writes with old data"
		otherToken = "and would take writes with a promotion token that is not of this switchover"
		vanishes   = "follows the other member of its pair, and would lose the labels"
		demotes    = "takes writes, and would follow the other member of its pair"
		deletes    = "takes writes for its pair, and would be deleted with the only current data"
		moves      = "with its volumes, and would move to"
		strays     = "and would lose the annotation that says so, as if the primary took writes"
		forgets    = "takes writes for its pair, and would lose the labels"
		misleads   = "to a member that does not take writes"
		passes     = ""
	)
	opposite := map[string]string{"primary": "region-b", "replica": "region-a"}
	type expectation struct {
		pair, role, step string
		change           change
		want             string
	}
	var table []expectation
	expect := func(pair, role, step string, change change, want string) {
		table = append(table, expectation{pair, role, step, change, want})
	}
	both := func(pair, step string, change change, primary, replica string) {
		expect(pair, "primary", step, change, primary)
		expect(pair, "replica", step, change, replica)
	}

	// the steps of a switchover, there and back, and of a failover
	both("rest", "none", in(none), passes, passes)
	both("none", "replica, token", in(replicaToken), passes, passes)
	both("replica-token", "none", in(none), passes, passes)
	both("none", "primary, token", in(primaryToken), passes, passes)
	both("primary-token", "at rest", in(atRest), passes, passes)
	both("primary-token", "none", in(none), passes, passes)
	both("rest", "replica, failover now", in(replicaNow), passes, passes)
	both("none", "replica, failover now", in(replicaNow), passes, passes)
	both("replica-now", "replica, failover done", in(replicaDone), passes, passes)
	both("replica-now", "none", in(none), passes, passes)
	both("replica-done", "none", in(none), passes, passes)
	both("replica-token", "primary, failover now", in(primaryNow), passes, passes)
	both("replica-done", "primary, failover now", in(primaryNow), passes, passes)
	both("none", "primary, failover now", in(primaryNow), passes, passes)
	both("primary-now", "at rest", in(atRest), passes, passes)
	expect("rest", "primary", "replica, failover now", in(replicaNow), passes) // its Kubernetes cluster is back
	expect("rest", "primary", "off", off, passes)
	expect("rest", "replica", "off", nil, passes)
	expect("rest", "primary", "uninstall", nil, passes)
	both("none", "uninstall", nil, passes, passes)
	for _, pair := range []string{"replica-token", "replica-now", "replica-done"} {
		expect(pair, "primary", "clone it again", nil, passes)
	}
	// and what does not concern the pair
	for pair := range pairs {
		instances := func(member *unstructured.Unstructured) { set(member, int64(3), "spec", "instances") }
		both(pair, "three instances", instances, passes, passes)
		both(pair, "an annotation", annotate("a", "b"), passes, passes)
		both(pair, "more labels", label("a", "b"), passes, passes)
	}

	// 1. a second member that takes writes
	both("none", "at rest", in(atRest), promotes, strays)
	both("none", "without the annotation", annotate(activeAnnotation, ""), strays, strays)
	both("replica-done", "without the annotation", annotate(activeAnnotation, ""), strays, strays)
	both("primary-token", "without the annotation", annotate(activeAnnotation, ""), passes, passes)
	for _, pair := range []string{"replica-token", "replica-now", "replica-done"} {
		both(pair, "at rest", in(atRest), promotes, demotes)
		expect(pair, "primary", "off", off, promotes)
		expect(pair, "replica", "off", nil, deletes)
		expect(pair, "primary", "without spec.replica", replicaSpec(nil), promotes)
		expect(pair, "primary", "kubectl patch", replicaSpec(map[string]any{"enabled": false, "source": pair + "-replica"}), promotes)
		both(pair, "primary, an old token", in(state{active: "primary", token: replicaToken.token}), otherToken, demotes)
	}
	for _, pair := range []string{"rest", "primary-token", "primary-now"} {
		expect(pair, "replica", "without spec.replica", replicaSpec(nil), promotes)
		expect(pair, "replica", "kubectl patch", replicaSpec(map[string]any{"enabled": false, "source": pair}), promotes)
		expect(pair, "replica", "replica, token", in(replicaToken), otherToken) // without none
		expect(pair, "replica", "replica, failover done", in(replicaDone), promotes)
	}
	expect("none", "replica", "an empty token", replicaSpec(map[string]any{"enabled": false, "source": "none", "promotionToken": ""}), promotes)
	expect("none", "replica", "failover now of the other", all(in(primaryNow), replicaSpec(nil)), promotes)
	expect("none", "replica", "failover now of nobody", all(replicaSpec(nil), annotate(failoverAnnotation, "now")), promotes)
	expect("used", "replica", "replica, the token that it has used", in(replicaToken), otherToken)
	expect("used", "replica", "replica, another token", in(state{active: "replica", token: promotionToken(3)}), passes)
	expect("topology", "primary", "it is the primary now", replicaSpec(map[string]any{"primary": "topology", "source": "topology-replica"}), promotes)
	expect("topology", "primary", "it is the primary by self", replicaSpec(map[string]any{"self": "x", "primary": "x", "source": "topology-replica"}), promotes)
	expect("topology", "replica", "follows by enabled", replicaSpec(map[string]any{"enabled": true, "source": "topology"}), passes)
	for _, name := range []string{pairLabel, roleLabel, regionLabel} {
		both("none", "without "+name, label(name, ""), vanishes, vanishes)
		expect("primary-token", "primary", "without "+name, label(name, ""), forgets)
		expect("replica-token", "replica", "without "+name, label(name, ""), forgets)
		expect("rest", "primary", "without "+name, label(name, ""), passes)
	}
	expect("none", "primary", "another role", label(roleLabel, "replica"), vanishes)
	expect("none", "primary", "off", off, promotes)
	expect("primary-token", "primary", "off", off, forgets)
	expect("replica-done", "replica", "another role", label(roleLabel, "primary"), forgets)

	// 2. the only one that takes writes
	for _, pair := range []string{"rest", "primary-token", "primary-now"} {
		expect(pair, "primary", "replica, token", in(replicaToken), demotes) // without none, nobody would take writes
		expect(pair, "primary", "replica, failover done", in(replicaDone), demotes)
		follow := replicaSpec(map[string]any{"enabled": true, "source": pair + "-replica"})
		expect(pair, "primary", "kubectl patch", follow, demotes)
		expect(pair, "primary", "follows a topology", replicaSpec(map[string]any{"primary": pair + "-replica", "source": pair + "-replica"}), demotes)
		expect(pair, "primary", "active primary, failover now", all(follow, annotate(activeAnnotation, "primary"), annotate(failoverAnnotation, "now")), demotes)
	}
	for _, pair := range []string{"replica-token", "replica-now", "replica-done"} {
		follow := replicaSpec(map[string]any{"enabled": true, "source": pair})
		expect(pair, "replica", "kubectl patch", follow, demotes)
		expect(pair, "replica", "active replica, failover now", all(follow, annotate(activeAnnotation, "replica"), annotate(failoverAnnotation, "now")), demotes)
	}

	// 4. regions exchanged
	for pair := range pairs {
		for _, role := range []string{"primary", "replica"} {
			expect(pair, role, "regions exchanged", label(regionLabel, opposite[role]), moves)
		}
	}

	// on purpose
	allow := func(words string) change { return annotate(allowAnnotation, words) }
	expect("replica-done", "primary", "allow promote", all(in(atRest), allow("promote")), passes)
	expect("replica-done", "primary", "allow delete and promote", all(in(atRest), allow("delete, promote")), passes)
	expect("replica-done", "primary", "allow something else", all(in(atRest), allow("demote,delete,move,promoted")), promotes)
	expect("rest", "replica", "allow an old token", all(in(replicaToken), allow("promote")), passes)
	expect("none", "primary", "allow to lose the labels", all(label(pairLabel, ""), allow("promote")), passes)
	expect("rest", "primary", "allow demote", all(replicaSpec(map[string]any{"enabled": true, "source": "rest-replica"}), allow("demote")), passes)
	expect("replica-done", "replica", "allow demote", all(in(atRest), allow("demote")), passes)
	expect("replica-done", "replica", "allow something else", all(in(atRest), allow("promote,delete,move")), demotes)
	expect("none", "replica", "allow to be at rest", all(in(atRest), allow("promote")), passes)
	expect("opened", "replica", "allow delete", nil, passes)
	expect("opened", "replica", "allow delete, and demote", in(atRest), demotes)
	expect("rest", "primary", "allow move", all(label(regionLabel, "region-c"), allow("move")), passes)
	expect("rest", "primary", "allow something else", all(label(regionLabel, "region-c"), allow("promote,demote,delete")), moves)
	expect("replica-done", "replica", "allow to lose the labels", all(label(pairLabel, ""), allow("move")), passes)

	// 5. the write address
	address := func(pair, step string, change change, want string) { expect(pair, "address", step, change, want) }
	active := func(who string) change { return annotate(activeAnnotation, who) }
	address("rest", "nothing", active(""), passes)
	address("rest", "to the replica", leadTo("rest-replica"), misleads)
	address("rest", "to the replica, active", all(leadTo("rest-replica"), active("replica")), passes)
	address("rest", "to the replica, the primary active", all(leadTo("rest-replica"), active("primary")), misleads)
	address("rest", "to the replica, none active", all(leadTo("rest-replica"), active("none")), passes)
	address("rest", "to nobody", leadTo(""), misleads)
	address("rest", "to nobody, none active", all(leadTo(""), active("none")), passes)
	address("rest", "to nobody, the replica active", all(leadTo(""), active("replica")), misleads)
	address("rest", "to another one", all(leadTo("shop-db"), active("replica")), misleads)
	address("rest", "to the replica, on purpose", all(leadTo("rest-replica"), allow("promote,demote")), passes)
	address("rest", "to the replica, something else allowed", all(leadTo("rest-replica"), allow("promote")), misleads)
	address("rest", "without selector", func(service *unstructured.Unstructured) {
		unstructured.RemoveNestedField(service.Object, "spec", "selector")
	}, misleads)
	address("rest", "without the labels", all(label(pairLabel, ""), label("catalyst.openova.io/role", "")), passes)
	address("rest", "without the labels, to the replica", all(label("catalyst.openova.io/role", ""), leadTo("rest-replica"), active("replica")), misleads)
	address("rest", "of another pair, to its replica", all(label(pairLabel, "x"), leadTo("rest-replica"), active("replica")), misleads)
	address("replica-done", "back", leadTo("replica-done"), misleads)
	address("replica-done", "back, the replica active", all(leadTo("replica-done"), active("replica")), misleads)
	address("replica-done", "back, the primary active", all(leadTo("replica-done"), active("primary")), passes)
	address(long, "to the replica, active", all(leadTo(long[:29]+"-01234567-replica"), active("replica")), passes)
	address(long, "to another replica", all(leadTo("another-replica"), active("replica")), misleads)

	// what is no member
	for step, change := range map[string]change{
		"promoted": replicaSpec(nil), "deleted": nil, "moved": label(regionLabel, "region-c"), "a member from now on": all(replicaSpec(nil), label(pairLabel, "alone")),
	} {
		expect("alone", "replica", step, change, passes)
	}

	refused, passed, longest := 0, 0, ""
	for _, e := range table {
		t.Run(e.pair+"/"+e.role+"/"+e.step, func(t *testing.T) {
			kind, name := "Cluster", e.pair
			switch e.role {
			case "replica":
				name += "-replica"
			case "address":
				kind, name = "Service", name+"-active"
			}
			err := plane.tryUpdate(namespace, kind, name, e.change)
			if e.want == passes {
				passed++
				if err != nil {
					t.Error(err)
				}
				return
			}
			refused++
			if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "denied request: "+kind+" "+name+" ") || !strings.Contains(err.Error(), e.want) {
				t.Errorf("%v\ndoes not say that it %s", err, e.want)
				return
			}
			_, sentence, _ := strings.Cut(err.Error(), "denied request: ")
			if len(sentence) > len(longest) {
				longest = sentence
			}
			for _, part := range []string{"Render ", "To do it anyway: kubectl -n " + namespace + " annotate "} {
				if !strings.Contains(sentence, part) {
					t.Errorf("no %q in: %s", part, sentence)
				}
			}
		})
	}
	t.Logf("the longest refusal: %s", longest)
	evidence(t, "updates with the guard on", "%d refused, %d admitted", refused, passed)
}

// TestAdmissionGuardTypes: the API server's type checker has nothing to say of the
// policies. It is a part of kube-controller-manager.
func TestAdmissionGuardTypes(t *testing.T) {
	plane := theControlPlane(t)
	if plane.operatorLog != "" { // the control plane is ours
		dir, err := os.MkdirTemp("", "cnpg-pair-controllers-")
		if err != nil {
			t.Fatal(err)
		}
		atExit = append(atExit, func() { os.RemoveAll(dir) })
		address := freeAddress(t)
		daemon(t, dir, "kube-controller-manager", nil, tool(t, "kubernetes"), "kube-controller-manager", "--kubeconfig", plane.kubeconfig,
			"--controllers", "validatingadmissionpolicy-status-controller", "--leader-elect=false", "--cert-dir", filepath.Join(dir, "tls"),
			"--secure-port", address[strings.LastIndex(address, ":")+1:], "--bind-address", "127.0.0.1")
	}
	manifests, stderr, err := run(nil, "", binary, "guard")
	if err != nil {
		t.Fatalf("cnpg-pair guard: %v\n%s", err, stderr)
	}
	// nothing is bound, so nothing is refused
	for _, mistake := range []struct{ from, to string }{{"", ""}, {"object.spec.?replica.?", "object.spec.?replicas.?"}, {"object.spec.?selector[", "object.spec.?selectors["}} {
		complaints := 0
		for _, policy := range objects(t, []byte(manifests)) {
			if policy.GetKind() != "ValidatingAdmissionPolicy" {
				continue
			}
			policy.SetName(policy.GetName() + "-types")
			asValidations(policy)
			text, err := policy.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			if mistake.from != "" {
				text = []byte(strings.ReplaceAll(string(text), mistake.from, mistake.to))
			}
			plane.kubectl(t, string(text), "apply", "-f", "-")
			var checked struct {
				Metadata struct{ Generation int64 }
				Status   struct {
					ObservedGeneration int64
					TypeChecking       *struct {
						ExpressionWarnings []struct{ FieldRef, Warning string }
					}
				}
			}
			eventually(t, time.Minute, policy.GetName()+" is checked", func() error {
				remarshal(t, plane.get(t, "", "validatingadmissionpolicies", policy.GetName()).Object, &checked)
				if checked.Status.TypeChecking == nil || checked.Status.ObservedGeneration != checked.Metadata.Generation {
					return errors.New("not yet")
				}
				return nil
			})
			plane.kubectl(t, "", "delete", "validatingadmissionpolicies", policy.GetName())
			complaints += len(checked.Status.TypeChecking.ExpressionWarnings)
			if mistake.from == "" {
				for _, warning := range checked.Status.TypeChecking.ExpressionWarnings {
					t.Errorf("%s: %s: %s", policy.GetName(), warning.FieldRef, warning.Warning)
				}
			}
		}
		if mistake.from != "" && complaints == 0 {
			t.Errorf("the type checker does not see %q", mistake.to)
		}
	}
}

// asValidations repeats the variables and the conditions of a policy as validations. These
// are all that the type checker complains of.
func asValidations(policy *unstructured.Unstructured) {
	spec := policy.Object["spec"].(map[string]any)
	validations := spec["validations"].([]any)
	for _, field := range []string{"variables", "matchConditions"} {
		for _, one := range spec[field].([]any) {
			expression := one.(map[string]any)["expression"].(string)
			validations = append(validations, map[string]any{"expression": "[" + expression + "].size() == 1"})
		}
	}
	spec["validations"] = validations
}

// TestAdmissionGuardOperator: the operator works on both members with the guard on, and so
// does kubectl scale.
func TestAdmissionGuardOperator(t *testing.T) {
	plane := theControlPlane(t)
	namespace := plane.namespace(t, "guard-operator")
	plane.guardOn(t)
	plane.applyPair(t, namespace)
	for _, name := range []string{"blog-db", "blog-db-replica"} {
		plane.pods(t, namespace, name)
		plane.kubectl(t, "", "-n", namespace, "scale", "clusters.postgresql.cnpg.io/"+name, "--replicas=3")
		eventually(t, 30*time.Second, "the operator has seen the three instances of "+name, func() error {
			if service := plane.get(t, namespace, "service", name+"-rw"); service == nil {
				return errors.New("no Service")
			}
			member := plane.get(t, namespace, "clusters.postgresql.cnpg.io", name)
			phase, _, _ := unstructured.NestedString(member.Object, "status", "phase")
			instances, _, _ := unstructured.NestedInt64(member.Object, "spec", "instances")
			if phase == "" || instances != 3 {
				return fmt.Errorf("phase %q, %d instances", phase, instances)
			}
			return nil
		})
	}
	if plane.operatorLog == "" {
		return
	}
	log, err := os.ReadFile(plane.operatorLog)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, "denied request") {
			t.Errorf("the operator is refused: %s", line)
		}
	}
}
