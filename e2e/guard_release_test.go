// This file must not import code of this repository: see TestIndependent in postrender/.

package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// settings are those of cnpg-pair for a state, with hot standby on.
func (s state) settings() []string {
	return on("CNPG_PAIR_ACTIVE="+s.active, "CNPG_PAIR_PROMOTION_TOKEN="+s.token, "CNPG_PAIR_FAILOVER="+s.failover)
}

// TestReleaseGuard: with the guard on, each step of a switchover and of a failover passes,
// there and back, and nothing else that Helm does makes the other member take writes.
func TestReleaseGuard(t *testing.T) {
	plane := theControlPlane(t)
	for name, helm := range helmsAt(t, plane) {
		t.Run(name, func(t *testing.T) {
			namespace := plane.namespace(t, "guard-"+strings.ToLower(strings.ReplaceAll(name, " ", "")))
			plane.guardOn(t)
			release := []string{"blog", chart, "--namespace", namespace, "--no-hooks"}
			plain := slices.Concat([]string{"upgrade"}, release, []string{"--history-max", "0"})
			upgrade := slices.Concat(plain, helm.postRenderer)
			rollBack := []string{"--atomic"}
			if name == "Helm 4" {
				rollBack = []string{"--rollback-on-failure"}
			}
			rollBack = append(rollBack, "--timeout", "5s") // nothing here becomes ready
			members := func() string {
				text := ""
				for _, name := range []string{"blog-db", "blog-db-replica"} {
					member := plane.get(t, namespace, "clusters.postgresql.cnpg.io", name)
					if member == nil {
						t.Fatalf("%s is gone", name)
					}
					one, err := json.Marshal([]any{member.GetUID(), member.GetGeneration(), member.GetLabels(), member.GetAnnotations(), member.Object["spec"]})
					if err != nil {
						t.Fatal(err)
					}
					text += string(one) + "\n"
				}
				return text
			}
			writes := func(step, want string) {
				t.Helper()
				var writers []string
				for _, name := range plane.clusterNames(t, namespace) {
					member := plane.get(t, namespace, "clusters.postgresql.cnpg.io", name)
					if follows, _, _ := unstructured.NestedBool(member.Object, "spec", "replica", "enabled"); !follows {
						writers = append(writers, name)
					}
				}
				if got := strings.Join(writers, ", "); got != want {
					t.Fatalf("after %s, %q takes writes, want %q", step, got, want)
				}
			}
			refusals, current := 0, atRest
			refused := func(step string, env []string, want string, args ...string) {
				t.Helper()
				before := members()
				out, err := helm.run(env, args...)
				if err == nil || !strings.Contains(out, want) {
					t.Errorf("%s: helm %s: %v\n%s", step, strings.Join(args, " "), err, out)
				}
				if diff := cmp.Diff(before, members()); diff != "" {
					t.Errorf("%s changes the pair (-before +after):\n%s", step, diff)
				}
				refusals++
				if args[0] != "rollback" {
					return
				}
				if _, err := helm.run(current.settings(), upgrade...); err != nil { // Helm compares with what it tried last
					t.Errorf("after %s, an upgrade that changes nothing: %v", step, err)
				}
				if diff := cmp.Diff(before, members()); diff != "" {
					t.Errorf("after %s, an upgrade changes the pair (-before +after):\n%s", step, diff)
				}
			}
			const promotes, moves = "and would take writes with old data", "and would move to region-"
			astray := func() {
				t.Helper()
				misspelt := append([]string{"SOVEREIGN_ENABLE_HOT_STANDBY=ture"}, hotStandby[1:]...)
				exchanged := append(current.settings(), "SOVEREIGN_PRIMARY_REGION=region-b", "SOVEREIGN_REPLICA_REGION=region-a")
				refused("an upgrade without the settings", nil, promotes, upgrade...)
				refused("an upgrade without --active", hotStandby, promotes, upgrade...)
				refused("an upgrade without the post-renderer", nil, promotes, plain...)
				refused("a misspelt toggle", misspelt, promotes, upgrade...)
				refused("regions exchanged", exchanged, moves, upgrade...)
				refused("an upgrade that is rolled back", nil, promotes, append(slices.Clone(upgrade), rollBack...)...)
				back := []string{"rollback", "blog", "--namespace", namespace, "--no-hooks", "--history-max", "0"}
				refused("a rollback to the single Cluster", nil, promotes, append(slices.Clone(back), "1")...)
				refused("a rollback to the pair at rest", nil, promotes, append(slices.Clone(back), "2")...)
			}
			step := func(name string, s state, writer string) {
				t.Helper()
				helm.must(t, s.settings(), upgrade...)
				current = s
				writes(name, writer)
			}
			// the operator does this when PostgreSQL has stopped
			token := func(member string, s state) {
				t.Helper()
				plane.kubectl(t, "", "-n", namespace, "patch", "clusters.postgresql.cnpg.io", member, "--subresource=status", "--type=merge", "-p", `{"status":{"demotionToken":"`+s.token+`"}}`)
			}

			helm.must(t, nil, append([]string{"install"}, append(release, helm.postRenderer...)...)...)
			writes("an install", "blog-db")
			step("hot standby on", atRest, "blog-db")
			refused("regions exchanged", hotStandbyOf("true", "region-b", "region-a"), moves, upgrade...)

			step("active none", none, "")
			astray()
			token("blog-db", replicaToken)
			step("the switchover", replicaToken, "blog-db-replica")
			step("the switchover, again", replicaToken, "blog-db-replica")
			astray()
			refused("the way back with the old token", state{active: "primary", token: replicaToken.token}.settings(), "not of this switchover", upgrade...)
			step("active none, on the way back", none, "")
			token("blog-db-replica", primaryToken)
			step("the way back", primaryToken, "blog-db")
			refused("hot standby off, too early", nil, "before the pair is at rest", upgrade...)
			step("at rest", atRest, "blog-db")

			// Helm gives up waiting, and the member that it would roll back to does not take writes
			out, err := helm.run(replicaNow.settings(), append(slices.Clone(upgrade), rollBack...)...)
			if err == nil || !strings.Contains(out, promotes) {
				t.Errorf("a failover that Helm rolls back: %v\n%s", err, out)
			}
			writes("a failover that Helm rolls back", "blog-db-replica")
			step("failover now", replicaNow, "blog-db-replica")
			refused("an upgrade without --active", hotStandby, promotes, upgrade...)
			refused("an upgrade without the post-renderer", nil, promotes, plain...)
			step("failover done", replicaDone, "blog-db-replica")
			refused("an upgrade without --active", hotStandby, promotes, upgrade...)
			plane.kubectl(t, "", "-n", namespace, "delete", "clusters.postgresql.cnpg.io", "blog-db")
			helm.must(t, append(replicaDone.settings(), "CNPG_PAIR_CLONE=primary"), upgrade...)
			writes("the primary cloned again", "blog-db-replica")
			step("failover done, without the clone", replicaDone, "blog-db-replica")
			step("failover to the primary", primaryNow, "blog-db")
			step("at rest", atRest, "blog-db")
			helm.must(t, nil, upgrade...)
			writes("hot standby off", "blog-db")
			if names := plane.clusterNames(t, namespace); len(names) != 1 {
				t.Errorf("with hot standby off, there are %s", names)
			}
			helm.must(t, nil, "uninstall", "blog", "--namespace", namespace, "--no-hooks")
			without(t, "each of these upgrades and rollbacks had exit status 0: two members took writes, or the one with the current data was demoted or deleted")
			evidence(t, "a pair with the guard on, "+name, "switchover and failover, there and back, and a clone; %d upgrades and rollbacks refused, each without a change", refusals)
		})
	}
}

// TestReleaseGuardSides: each of two Kubernetes clusters has one member only. The guard there
// lets it through every step, and refuses a run with the side alone, which would make it what
// it is at rest.
func TestReleaseGuardSides(t *testing.T) {
	plane := theControlPlane(t)
	const (
		promotes = "and would take writes with old data"
		demotes  = "takes writes, and would follow the other member"
		forgets  = "would lose the annotation that says so"
	)
	type step struct {
		state
		writes bool
		rest   string // how the run with the side alone is refused
	}
	for side, steps := range map[string][]step{
		"primary": {{atRest, true, ""}, {none, false, promotes}, {replicaToken, false, promotes}, {none, false, promotes}, {primaryToken, true, ""},
			{atRest, true, ""}, {replicaNow, false, promotes}, {replicaDone, false, promotes}, {primaryNow, true, ""}, {atRest, true, ""}},
		"replica": {{atRest, false, ""}, {none, false, forgets}, {replicaToken, true, demotes}, {none, false, forgets}, {primaryToken, false, ""},
			{atRest, false, ""}, {replicaNow, true, demotes}, {replicaDone, true, demotes}, {primaryNow, false, ""}, {atRest, false, ""}},
	} {
		for name, helm := range helmsAt(t, plane) {
			t.Run(side+"/"+name, func(t *testing.T) {
				namespace := plane.namespace(t, "guard-"+side+"-"+strings.ToLower(strings.ReplaceAll(name, " ", "")))
				plane.guardOn(t)
				member := map[string]string{"primary": "blog-db", "replica": "blog-db-replica"}[side]
				upgrade := slices.Concat([]string{"upgrade", "--install", "blog", chart, "--namespace", namespace, "--no-hooks", "--history-max", "0"}, helm.postRenderer)
				refusals := 0
				for _, step := range steps {
					helm.must(t, append(step.settings(), "CNPG_PAIR_SIDE="+side), upgrade...)
					before := plane.get(t, namespace, "clusters.postgresql.cnpg.io", member)
					if follows(before) == step.writes {
						t.Fatalf("%+v: that %s follows is %v", step.state, member, follows(before))
					}
					if step.rest == "" {
						continue
					}
					out, err := helm.run(append(atRest.settings(), "CNPG_PAIR_SIDE="+side), upgrade...)
					if err == nil || !strings.Contains(out, step.rest) {
						t.Errorf("%+v: a run with the side alone: %v\n%s", step.state, err, out)
					}
					if after := plane.get(t, namespace, "clusters.postgresql.cnpg.io", member); after.GetGeneration() != before.GetGeneration() {
						t.Errorf("%+v: a run with the side alone has changed %s", step.state, member)
					}
					refusals++
				}
				evidence(t, "one side of a pair with the guard on, "+name, "%s: switchover and failover, there and back; %d upgrades refused, each without a change", side, refusals)
			})
		}
	}
}

// TestFluxGuard: the HelmRelease says why an upgrade that goes back to rest in one step has
// failed, and the next one passes.
func TestFluxGuard(t *testing.T) {
	f := theFlux(t)
	namespace := f.tenant(t, "flux-guard")
	f.guardOn(t)
	apply := func(s state) {
		t.Helper()
		release := paired(t, s.settings(), f.rendered(t, namespace, "0.1.0"), helmRelease(namespace, "0.1.0"))
		f.kubectl(t, release, "apply", "--server-side", "--validate=strict", "-f", "-")
	}
	ready := func() {
		t.Helper()
		if ready := f.settled(t, namespace, "helmrelease", "blog", ""); ready.Status != "True" {
			t.Fatalf("the HelmRelease: %+v", ready)
		}
	}
	for _, s := range []state{atRest, none, replicaToken} {
		apply(s)
		ready()
	}
	before := f.generations(t, namespace)
	apply(atRest)
	condition := f.failed(t, namespace)
	if want := "denied request: Cluster blog-db follows the other member of its pair, and would take writes with old data"; !strings.Contains(condition.Message, want) {
		t.Errorf("the HelmRelease does not say %q: %+v", want, condition)
	}
	if after := f.generations(t, namespace); after != before {
		t.Errorf("an upgrade that the guard refuses makes %s of %s", after, before)
	}
	evidence(t, "a HelmRelease that the guard refuses", "%s: %s", condition.Reason, condition.Message)
	for _, s := range []state{replicaToken, none, primaryToken, atRest} {
		apply(s)
		ready()
	}
}
