package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/cli"
	"helm.sh/helm/v4/pkg/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// standIns answer for PostgreSQL, at once, where no node runs any, for the operator,
// which writes a demotion token when an instance has stopped, and for the garbage
// collector of Kubernetes, which is not there either. Each token is another one.
const standIns = `
answers() { :; }
sql() { echo f; }
is_standby() { :; }
retry() {
	for attempt in $(seq 60); do
		case $1 in has_token) demoted "$2" ;; esac
		"$@" && return
		sleep 1
	done
	return 1
}
demoted() {
	new=$(printf '{"latestCheckpointTimelineID":"1","redoWalFile":"000000010000000000000003","databaseSystemIdentifier":"7400000000000000000","latestCheckpointREDOLocation":"0/3000060","timeOfLatestCheckpoint":"%s","operatorVersion":"1.30.0"}' "$(date +%s.%N)" | base64 | tr -d '\n')
	at "$1" kubectl patch clusters.postgresql.cnpg.io "$1" --subresource status --type merge --patch "{\"status\": {\"demotionToken\": \"$new\"}}" >&2
}
has_nothing() {
	at "$1" kubectl delete pods,pvc,jobs,services --selector "cnpg.io/cluster=$1" --wait=false
	for volume in $(at "$1" kubectl get pvc --selector "cnpg.io/cluster=$1" --output name); do
		at "$1" kubectl patch "$volume" --type merge --patch '{"metadata": {"finalizers": null}}'
	done
}
`

// notPasted are parts of the blocks that need a living database, and that only the live
// test pastes.
var notPasted = []string{"kubectl logs"}

// troubles are the headings whose blocks only the live tests paste, which are in such a
// trouble.
var troubles = []string{"A parameter was lowered", "The object store is gone", "Certificates were renewed",
	"PostgreSQL gets a new major version", "The operator is upgraded"}

// A runbookTest is the runbook's reader, at work with one tool.
type runbookTest struct {
	*shell
	tool      string // a heading of the runbook
	plane     *controlPlane
	second    *controlPlane // where the replica is, with two Kubernetes clusters
	namespace string
	states    map[string][2]string
}

// TestReleaseRunbook does what docs/runbook.md says, in each of its tools, on a real API
// server with the real operator and the guard, and compares the Clusters after each
// block with the table on the page.
func TestReleaseRunbook(t *testing.T) {
	plane := theControlPlane(t)
	plane.guardOn(t)
	all := helms(t)
	var pasted sync.Map // by line of the page
	t.Run("by", func(t *testing.T) {
		for _, tool := range []string{"Helm 3", "Helm 4", "Flux", "Argo CD"} {
			t.Run(tool, func(t *testing.T) {
				t.Parallel()
				r := newRunbookTest(t, plane, tool, all)
				r.procedures(t)
				r.remember(&pasted)
			})
		}
	})
	t.Run("two clusters", func(t *testing.T) {
		if plane.operatorLog == "" {
			t.Skip("a second cluster must be started for this, and the first one is yours")
		}
		r := newRunbookTest(t, plane, "Helm 4", all)
		r.twoClusters(t, newControlPlane(t))
		r.remember(&pasted)
	})
	t.Run("every block", func(t *testing.T) {
		if plane.operatorLog == "" {
			t.Skip("there was no second cluster")
		}
		count, asking := 0, 0
		for _, b := range readBlocks(t, runbookFile) {
			if _, done := pasted.Load(b.line); done {
				count++
				if living.MatchString(b.text) {
					asking++
				}
			} else if !slices.Contains(troubles, b.heading) && !slices.ContainsFunc(notPasted, func(part string) bool { return strings.Contains(b.text, part) }) {
				t.Errorf("docs/runbook.md:%d: no test pastes this block:\n%s", b.line, b.text)
			}
		}
		evidence(t, "blocks of the runbook, pasted word for word", "%d, of which %d ask PostgreSQL: stand-ins answered", count, asking)
	})
}

// newRunbookTest has a release with hot standby on, and a shell that is set up for it.
func newRunbookTest(t *testing.T, plane *controlPlane, name string, helms map[string]helm) *runbookTest {
	t.Helper()
	r := &runbookTest{plane: plane, tool: name, states: stateTable(t)}
	r.namespace = plane.namespace(t, "runbook-"+strings.ToLower(strings.ReplaceAll(name, " ", "")))
	h, interpreter := helms["Helm 4"], "bash"
	if name == "Helm 3" {
		h, interpreter = helms[name], "sh"
	}
	bin := t.TempDir()
	for link, program := range map[string]string{"helm": h.program, "kubectl": plane.kubectlPath, "cnpg-pair": binary, "cnpg-pair-flux": filepath.Join(filepath.Dir(binary), "cnpg-pair-flux")} {
		if err := os.Symlink(program, filepath.Join(bin, link)); err != nil {
			t.Fatal(err)
		}
	}
	env := slices.Concat(h.env, []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "KUBECONFIG=" + plane.kubeconfig, "HOME=" + t.TempDir(),
		"GIT_AUTHOR_NAME=e2e", "GIT_AUTHOR_EMAIL=e2e@example.com", "GIT_COMMITTER_NAME=e2e", "GIT_COMMITTER_EMAIL=e2e@example.com"})
	r.shell = newShell(t, env, interpreter)

	section := strings.TrimRight(name, " 34")
	r.blocks(t, setup(t, section))
	r.paste(t, standIns)
	r.paste(t, "export NAMESPACE="+r.namespace)
	switch section {
	case "Helm":
		r.paste(t, `helm install "$RELEASE" "$CHART" --namespace "$NAMESPACE" --no-hooks --post-renderer "$POST_RENDERER"`)
	case "Flux":
		r.standForFlux(t)
		r.paste(t, "set_active primary")
	case "Argo CD":
		r.standForArgoCD(t, bin)
		r.paste(t, "set_active primary")
	}
	r.expect(t, "the installation", "blog-db", "primary")
	return r
}

// do pastes a block, and compares what it leads to with the page.
func (r *runbookTest) do(t *testing.T, b block) {
	t.Helper()
	vars := make(map[string]string)
	for _, name := range []string{"STATE", "CREATE"} {
		vars[name] = strings.TrimSpace(r.paste(t, `echo "${`+name+`:-}"`))
	}
	out := r.block(t, b)
	sets := b.sets(vars)
	if len(sets) == 0 {
		t.Logf("%s:%d: %s", r.tool, b.line, strings.TrimSpace(out))
		return
	}
	r.expect(t, fmt.Sprintf("docs/runbook.md:%d", b.line), "blog-db", sets[len(sets)-1].state)
}

// section pastes all blocks below a heading.
func (r *runbookTest) section(t *testing.T, heading string) {
	t.Helper()
	for _, b := range runbook(t, heading) {
		r.do(t, b)
	}
}

// expect compares the Clusters of the namespace with a row of the page's table.
func (r *runbookTest) expect(t *testing.T, after, x, state string) {
	t.Helper()
	want, ok := r.states[state]
	if !ok {
		t.Fatalf("%s: the page has no state %q", after, state)
	}
	primary, replica := r.plane.get(t, r.namespace, clusters, x), r.other().get(t, r.namespace, clusters, x+"-replica")
	got := [2]string{inWords(primary, x+"-replica"), inWords(replica, x)}
	if got != want {
		t.Fatalf("%s, after %s, in the state %s (-page +Clusters):\n%s", r.tool, after, state, cmp.Diff(want, got))
	}
	if words := strings.Fields(state); len(words) > 1 && words[1] == "token" {
		active, former := primary, replica
		if words[0] == "replica" {
			active, former = replica, primary
		}
		token, _, _ := unstructured.NestedString(active.Object, "spec", "replica", "promotionToken")
		of, _, _ := unstructured.NestedString(former.Object, "status", "demotionToken")
		if token == "" || token != of {
			t.Errorf("%s, after %s: promoted by the token %q, and that of the other member is %q", r.tool, after, token, of)
		}
	}
}

// other is where the replica is.
func (r *runbookTest) other() *controlPlane {
	if r.second != nil {
		return r.second
	}
	return r.plane
}

// nodeRegion is the region that a Cluster asks for.
func (r *runbookTest) nodeRegion(t *testing.T, name string) string {
	t.Helper()
	terms, _, _ := unstructured.NestedSlice(r.plane.get(t, r.namespace, clusters, name).Object,
		"spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
	return fmt.Sprint(terms)
}

// remember notes which blocks were pasted.
func (r *runbookTest) remember(pasted *sync.Map) {
	for line := range r.pasted {
		pasted.Store(line, true)
	}
}

// again clones a member that is lost. It does something after the step that deletes it.
func (r *runbookTest) again(t *testing.T, member string, deleted func()) {
	t.Helper()
	clone := runbook(t, "A standby is lost")
	r.do(t, containing(t, clone, "STANDBY="+member))
	for _, b := range clone[2:] {
		if strings.Contains(b.text, "kubectl logs") {
			continue
		}
		r.do(t, b)
		if strings.Contains(b.text, "kubectl delete") {
			deleted()
		}
	}
}

// procedures does one procedure after the other.
func (r *runbookTest) procedures(t *testing.T) {
	t.Helper()
	r.plane.wait(t, r.namespace, "secret", "blog-db-app")

	r.section(t, "The primary's region is lost")
	// and then there is another region
	gone := runbook(t, "A region is gone for good")
	r.again(t, "$CLUSTER", func() {
		r.do(t, containing(t, gone, "--force"))
		r.do(t, containing(t, gone, "SOVEREIGN_PRIMARY_REGION"))
	})
	if got := r.nodeRegion(t, "blog-db"); !strings.Contains(got, "eu-west-1") {
		t.Errorf("the old primary is not in the new region: %s", got)
	}
	if owners := r.plane.get(t, r.namespace, "secret", "blog-db-app").GetOwnerReferences(); len(owners) > 0 {
		t.Errorf("the application's secret belongs to %v", owners)
	}
	r.section(t, "Switch back")

	r.section(t, "The replica's region is lost")
	r.again(t, "$REPLICA", func() {
		r.do(t, containing(t, gone, "SOVEREIGN_REPLICA_REGION"))
		r.paste(t, "export SOVEREIGN_REPLICA_REGION=eu-west-2") // the page has one new region for both
		r.paste(t, "export CNPG_PAIR_REPLICATION=sync")         // as the last step says
	})
	if got := r.nodeRegion(t, "blog-db-replica"); !strings.Contains(got, "eu-west-2") {
		t.Errorf("the replica is not in the new region: %s", got)
	}
	if got, _, _ := unstructured.NestedMap(r.plane.get(t, r.namespace, clusters, "blog-db").Object, "spec", "postgresql", "synchronous"); got == nil {
		t.Error("replication is not synchronous, which the last step asks for")
	}

	r.section(t, "Planned switchover")
	r.section(t, "The active replica's region is lost")
	r.section(t, "Planned switchover")
	r.section(t, "Switch back")
	r.manyReleases(t)
	r.blocks(t, runbook(t, "Turn hot standby off"))
	x, y := r.plane.get(t, r.namespace, clusters, "blog-db"), r.plane.get(t, r.namespace, clusters, "blog-db-replica")
	if pruned := r.tool != "Argo CD"; (y == nil) != pruned {
		t.Errorf("the replica is there: %t, want %t", y != nil, !pruned)
	}
	if _, marked := x.GetLabels()["openova.io/cnpg-role"]; marked {
		t.Errorf("blog-db is still one of a pair: %v", x.GetLabels())
	}
}

// manyReleases does the procedures for all releases, with a second one.
func (r *runbookTest) manyReleases(t *testing.T) {
	t.Helper()
	first := r.namespace
	second := r.plane.namespace(t, "runbook-second")
	r.paste(t, "(\nexport NAMESPACE="+second+" RELEASE=shop\n"+map[bool]string{
		true:  `helm install "$RELEASE" "$CHART" --namespace "$NAMESPACE" --no-hooks --post-renderer "$POST_RENDERER"`,
		false: "set_active primary",
	}[strings.HasPrefix(r.tool, "Helm")]+"\n)")
	both := func(after, state string) {
		t.Helper()
		r.expect(t, after, "blog-db", state)
		r.namespace = second
		r.expect(t, after+", in the second release", "shop-db", state)
		r.namespace = first
	}
	both("the second installation", "primary")

	many := runbook(t, "Many releases")
	flavour := "meta\\.helm"
	if r.tool == "Argo CD" {
		flavour = "argocd\\.argoproj"
	}
	list := r.block(t, containing(t, many, flavour))
	for _, line := range []string{first + " blog blog-db blog-db-replica\n", second + " shop shop-db shop-db-replica\n"} {
		if !strings.Contains(list, line) {
			t.Fatalf("the list has no %q:\n%s", line, list)
		}
	}
	// a cluster of yours may have other pairs
	r.paste(t, "grep -e '^"+first+" ' -e '^"+second+" ' tenants.txt > ours.txt && mv ours.txt tenants.txt")
	r.block(t, containing(t, many, "each() ("))
	type step struct {
		block block
		state string
	}
	lost := []step{{containing(t, many, "fail_over() {"), "replica now"}}
	if r.tool == "Flux" {
		lost = []step{{containing(t, many, "each write_patches none"), "none"}, {containing(t, many, "each write_patches replica now"), "replica now"}}
	}
	r.block(t, containing(t, many, "switch_over() {"))
	for _, step := range slices.Concat([]step{
		{containing(t, many, "each switch_over"), "replica token"},
		{containing(t, many, "roles() {"), "replica token"},
		{containing(t, many, "each switch_back"), "primary"},
	}, lost, []step{
		{containing(t, many, "promoted() {"), "replica now"},
		{containing(t, many, "returned() {"), "replica done"},
	}) {
		out := r.block(t, step.block)
		if strings.Contains(out, "FAILED") {
			t.Fatalf("docs/runbook.md:%d: %s", step.block.line, out)
		}
		both(fmt.Sprintf("docs/runbook.md:%d", step.block.line), step.state)
	}
	r.paste(t, "old=$NAMESPACE,$RELEASE,$CLUSTER,$REPLICA; NAMESPACE="+second+" RELEASE=shop CLUSTER=shop-db REPLICA=shop-db-replica")
	r.plane.wait(t, second, "secret", "shop-db-app")
	remove := runbook(t, "Remove a release")
	if r.tool == "Argo CD" {
		remove = remove[len(remove)-1:] // it has no release
	}
	for _, b := range remove {
		out := r.block(t, b)
		if strings.Contains(b.text, "helm uninstall") && (!strings.Contains(out, "shop-db-replica") || strings.Contains(out, "shop-db ")) {
			t.Errorf("Helm keeps other Clusters than the replica:\n%s", out)
		}
	}
	if left := r.plane.clusterNames(t, second); slices.Contains(left, "shop-db-replica") {
		t.Errorf("left: %v", left)
	}
	r.paste(t, "IFS=, read -r NAMESPACE RELEASE CLUSTER REPLICA <<E\n$old\nE")
	r.section(t, "Switch back")
}

// wait waits until there is an object.
func (p *controlPlane) wait(t *testing.T, namespace, kind, name string) {
	t.Helper()
	p.kubectl(t, "", "-n", namespace, "wait", "--for=create", kind+"/"+name, "--timeout=60s")
}

// standForFlux has Git, and a program flux that waits, as the real one does, until a
// release is reconciled. What helm-controller would do, helmController does meanwhile.
func (r *runbookTest) standForFlux(t *testing.T) {
	t.Helper()
	r.paste(t, `flux() {
	case "$1 $2" in "reconcile helmrelease") ;; *) return 0 ;; esac
	echo "$NAMESPACE $3" > "`+r.dir+`/writing" && mv "`+r.dir+`/writing" "`+r.dir+`/asked"
	while test -e "`+r.dir+`/asked"; do sleep 0.1; done
	cat "`+r.dir+`/answer" && test ! -s "`+r.dir+`/answer"
}`)
	ctx := t.Context()
	go func() {
		for ctx.Err() == nil {
			if asked, err := os.ReadFile(filepath.Join(r.dir, "asked")); err == nil {
				var answer string
				if err := r.helmController(ctx, strings.Fields(string(asked))); err != nil {
					answer = err.Error() + "\n"
				}
				os.WriteFile(filepath.Join(r.dir, "answer"), []byte(answer), 0o600)
				os.Remove(filepath.Join(r.dir, "asked"))
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	r.paste(t, `git init --quiet --bare upstream.git && git init --quiet --initial-branch main && git add examples &&
git commit --quiet --message start && git remote add origin upstream.git && git push --quiet --set-upstream origin main`)
	tenant, err := os.ReadFile("../examples/flux/tenants/blog.yaml")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(r.dir, "examples/flux/tenants/shop.yaml"), bytes.ReplaceAll(tenant, []byte("name: blog\n"), []byte("name: shop\n")))
	// not yet installed, so that there are no values to read
	r.paste(t, `helm() { case $* in "get values"*) command helm "$@" 2> /dev/null || echo null ;; *) command helm "$@" ;; esac; }`)
}

// helmController installs or upgrades the release of a namespace by Helm's library, with
// the postRenderers of the HelmRelease that was pushed.
func (r *runbookTest) helmController(ctx context.Context, asked []string) error {
	namespace, name := asked[0], asked[1]
	pushed, err := exec.Command("git", "-C", filepath.Join(r.dir, "upstream.git"), "show", "main:examples/flux/tenants/"+name+".yaml").Output()
	if err != nil {
		return err
	}
	var spec helmReleaseSpec
	for document := range strings.SplitSeq(string(pushed), "\n---\n") {
		var release struct {
			Kind string
			Spec helmReleaseSpec
		}
		if err := yaml.Unmarshal([]byte(document), &release); err != nil {
			return err
		}
		if release.Kind == "HelmRelease" {
			spec = release.Spec
		}
	}
	settings := cli.New()
	settings.KubeConfig = r.plane.kubeconfig
	settings.SetNamespace(namespace)
	config := action.NewConfiguration()
	if err := config.Init(settings.RESTClientGetter(), namespace, "secret"); err != nil {
		return err
	}
	chart, err := loader.Load(chart)
	if err != nil {
		return err
	}
	upgrade := action.NewUpgrade(config)
	upgrade.Namespace, upgrade.PostRenderer, upgrade.DisableHooks, upgrade.WaitStrategy = namespace, spec, true, kube.HookOnlyStrategy
	upgrade.ServerSideApply = "auto"
	_, err = upgrade.RunWithContext(ctx, name, chart, nil)
	if err == nil || !strings.Contains(err.Error(), "has no deployed releases") {
		return err
	}
	install := action.NewInstall(config)
	install.ReleaseName, install.Namespace, install.PostRenderer, install.DisableHooks, install.WaitStrategy = name, namespace, spec, true, kube.HookOnlyStrategy
	_, err = install.Run(chart, nil)
	return err
}

// standForArgoCD puts a program argocd on the PATH that does what Argo CD does with the
// two commands of the page: it keeps the settings of an Application, and renders by the
// commands of the example's plugin, in an environment of its own, and applies.
func (r *runbookTest) standForArgoCD(t *testing.T, bin string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(argocdExample, "plugin.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var plugin pluginFile
	if err := yaml.Unmarshal(text, &plugin); err != nil {
		t.Fatal(err)
	}
	generate := plugin.Spec.Generate
	write(t, filepath.Join(r.dir, "generate.sh"), []byte(generate.Args[len(generate.Args)-1]))
	write(t, filepath.Join(bin, "argocd"), []byte(`#!/bin/sh
set -eu
settings=`+r.dir+`/$3.env
case "$1 $2" in
"app set")
	shift 3
	touch "$settings"
	while [ $# -gt 0 ]; do
		if [ "$1" = --plugin-env ]; then
			sed -i "/^ARGOCD_ENV_${2%%=*}=/d" "$settings"
			echo "ARGOCD_ENV_$2" >> "$settings"
		elif [ "$1 $2" != "--sync-policy none" ]; then
			echo "argocd: $1 $2?" >&2; exit 1
		fi
		shift 2
	done ;;
"app sync")
	cd "$CHART"
	env -i PATH="$PATH" HOME="$HOME" ARGOCD_APP_NAME="$3" ARGOCD_APP_NAMESPACE="$NAMESPACE" $(cat "$settings") sh "`+r.dir+`/generate.sh" > "$settings.yaml"
	kubectl --namespace "$NAMESPACE" apply --filename "$settings.yaml"
	kubectl --namespace "$NAMESPACE" annotate --overwrite clusters.postgresql.cnpg.io --all argocd.argoproj.io/tracking-id="$3:postgresql.cnpg.io/Cluster:x/y" ;;
*) echo "argocd: $*?" >&2; exit 1 ;;
esac
`))
	if err := os.Chmod(filepath.Join(bin, "argocd"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// twoClusters runs each member in a Kubernetes cluster of its own.
func (r *runbookTest) twoClusters(t *testing.T, other *controlPlane) {
	t.Helper()
	r.paste(t, `helm uninstall "$RELEASE" --namespace "$NAMESPACE" --no-hooks && has_nothing "$CLUSTER" && has_nothing "$REPLICA"`)
	r.paste(t, `kubectl delete secrets --all && mkdir -p "$HOME/.kube" && cp "`+r.plane.kubeconfig+`" "$HOME/.kube/primary" && cp "`+other.kubeconfig+`" "$HOME/.kube/replica"`)
	r.paste(t, `helm() { command helm "$@" --no-hooks; }`) // nothing here would run the hook's Job to its end
	r.second = other
	other.guardOn(t)
	r.blocks(t, runbook(t, "Two Kubernetes clusters"))
	r.expect(t, "the installation", "blog-db", "primary")
	copied := containing(t, runbook(t, "Two Kubernetes clusters"), "copy_secrets replica primary")
	onSides := func() {
		t.Helper()
		here, theirs := r.plane.clusterNames(t, r.namespace), other.clusterNames(t, r.namespace)
		if diff := cmp.Diff([][]string{{"blog-db"}, {"blog-db-replica"}}, [][]string{here, theirs}); diff != "" {
			t.Fatalf("the Clusters of the sides (-want +got):\n%s", diff)
		}
	}
	const back = "Switch back"
	for _, heading := range []string{"Planned switchover", back, "The primary's Kubernetes cluster is lost", "$CLUSTER", back,
		"Planned switchover", "The active replica's Kubernetes cluster is lost", "$REPLICA"} {
		switch heading {
		case "$CLUSTER", "$REPLICA":
			r.again(t, heading, func() {})
		case "Planned switchover", back:
			r.block(t, copied)
			r.section(t, heading)
		default:
			for _, b := range runbook(t, heading) {
				r.side(t, b)
			}
		}
		onSides()
	}
	r.blocks(t, runbook(t, "Remove the replica from two Kubernetes clusters"))
	if diff := cmp.Diff([][]string{{"blog-db"}, {}}, [][]string{r.plane.clusterNames(t, r.namespace), other.clusterNames(t, r.namespace)}); diff != "" {
		t.Errorf("the Clusters of the sides, after the replica was removed (-want +got):\n%s", diff)
	}
	if x := r.plane.get(t, r.namespace, clusters, "blog-db"); x.GetLabels()["openova.io/cnpg-role"] != "" {
		t.Errorf("blog-db is still one of a pair: %v", x.GetLabels())
	}
}

// side pastes a block that may set a state on one side only, and then looks there.
func (r *runbookTest) side(t *testing.T, b block) {
	t.Helper()
	sets := b.sets(nil)
	if len(sets) == 0 || sets[0].side == "" {
		r.do(t, b)
		return
	}
	r.block(t, b)
	got, member := inWords(r.plane.get(t, r.namespace, clusters, "blog-db"), "blog-db-replica"), r.states[sets[0].state][0]
	if sets[0].side == "replica" {
		got, member = inWords(r.second.get(t, r.namespace, clusters, "blog-db-replica"), "blog-db"), r.states[sets[0].state][1]
	}
	if got != member {
		t.Fatalf("docs/runbook.md:%d: after %s on %s's side the Cluster %s, want %s", b.line, sets[0].state, sets[0].side, got, member)
	}
}
