package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

const argocdExample = "../examples/argocd"

// A pluginFile is what the tests run of examples/argocd/plugin.yaml.
type pluginFile struct {
	Spec struct {
		Init, Generate pluginCommand
		Discover       struct{ Find pluginCommand }
	}
}

type pluginCommand struct{ Command, Args []string }

// run does what Argo CD's server does with a command: in the folder of the
// Application, with an environment and nothing else.
func (c pluginCommand) run(env []string, folder string) (stdout, stderr string, err error) {
	return run(nil, "", "env", slices.Concat([]string{"-i", "-C", folder}, env, c.Command, c.Args)...)
}

// TestArgoCD renders the example chart by the very commands of the plugin, by sh
// and, in make e2e-all, through Argo CD's own server, and compares with a pipe from
// helm to cnpg-pair.
func TestArgoCD(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(argocdExample, "plugin.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var plugin pluginFile
	if err := yaml.Unmarshal(text, &plugin); err != nil {
		t.Fatal(err)
	}
	folder, err := filepath.Abs(argocdExample)
	if err != nil {
		t.Fatal(err)
	}
	broken := brokenChart(t)
	none := t.TempDir()
	write(t, filepath.Join(none, "Chart.yaml"), []byte("apiVersion: v2\nname: none\nversion: 1.0.0\n"))
	tenant := filepath.Join(t.TempDir(), "tenant")
	if err := os.CopyFS(tenant, os.DirFS(chart)); err != nil {
		t.Fatal(err)
	}
	ways, server := "by sh", "" // Argo CD's
	for _, name := range []string{"helm3", "helm4"} {
		bin, home := t.TempDir(), t.TempDir()
		for link, program := range map[string]string{"helm": tool(t, name), "cnpg-pair": binary} {
			if err := os.Symlink(program, filepath.Join(bin, link)); err != nil {
				t.Fatal(err)
			}
		}
		helmHomes := []string{"HELM_DATA_HOME=" + home, "HELM_CONFIG_HOME=" + home, "HELM_CACHE_HOME=" + home}
		sidecar := append([]string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + home}, helmHomes...)
		application := []string{"ARGOCD_APP_NAME=argocd_blog", "ARGOCD_APP_NAMESPACE=blog", "KUBE_VERSION=1.36.3", "KUBE_API_VERSIONS=v1,apps/v1,postgresql.cnpg.io/v1/Cluster"}
		// both ways to run the plugin
		byShell := func(chart string, env, app []string) (string, string, error) {
			all := slices.Concat(sidecar, env, application, app)
			if _, stderr, err := plugin.Spec.Init.run(all, chart); err != nil {
				return "", stderr, err
			}
			return plugin.Spec.Generate.run(all, chart)
		}
		byServer := func(chart string, env, app []string) (string, string, error) {
			return pluginCommand{[]string{server, folder, chart}, slices.Concat(application, app)}.run(slices.Concat(sidecar, env), chart)
		}
		for way, generate := range map[string]func(chart string, env, app []string) (string, string, error){"sh": byShell, "Argo CD": byServer} {
			t.Run(name+", by "+way, func(t *testing.T) {
				if way == "Argo CD" {
					server = large(t, "argocd", "ten minutes")
					ways = "by sh and by the plugin server of Argo CD " + strings.Split(filepath.Base(server), "-")[1]
				}
				for _, c := range []struct {
					name     string
					env, app []string // of the sidecar, and of the Application
					same     []string // as the filter with
					values   string
				}{
					{"off", nil, nil, nil, ""},
					{"on", hotStandby, nil, hotStandby, ""},
					{"another region", hotStandby, []string{"ARGOCD_ENV_SOVEREIGN_REPLICA_REGION=region-c"}, on("SOVEREIGN_REPLICA_REGION=region-c"), ""},
					{"on by the Application", nil, []string{"ARGOCD_ENV_" + hotStandby[0], "ARGOCD_ENV_" + hotStandby[1], "ARGOCD_ENV_" + hotStandby[2], "ARGOCD_ENV_CNPG_PAIR_REPLICATION=sync"}, on("CNPG_PAIR_REPLICATION=sync"), ""},
					{"off by the Application", hotStandby, []string{"ARGOCD_ENV_SOVEREIGN_ENABLE_HOT_STANDBY="}, nil, ""},
					{"with values", hotStandby, []string{"PARAM_VALUES=database: {instances: 7} # $(false) \"`'\n"}, hotStandby, "database: {instances: 7}\n"},
				} {
					rendered, stderr, err := run(helmHomes, c.values, tool(t, name), "template", "blog", chart, "--namespace", "blog", "--values", "-")
					if err != nil {
						t.Fatal(stderr)
					}
					want, stderr, err := run(c.same, rendered, binary)
					if err != nil {
						t.Fatal(stderr)
					}
					got, stderr, err := generate(tenant, c.env, c.app)
					if err != nil {
						t.Fatalf("%s: %v %s", c.name, err, stderr)
					}
					// a shell's variable ends without line breaks
					if way == "sh" && got != strings.TrimRight(want, "\n")+"\n" {
						t.Errorf("%s: -filter +plugin:\n%s", c.name, cmp.Diff(want, got))
					}
					if diff := cmp.Diff(byName(t, want), byName(t, got)); diff != "" {
						t.Errorf("%s: -filter +plugin:\n%s", c.name, diff)
					}
					if (c.same != nil) != strings.Contains(want, "name: blog-db-replica") || (c.values != "") != strings.Contains(want, "instances: 7") {
						t.Errorf("%s: not what was asked for:\n%s", c.name, want)
					}
				}
				for _, c := range []struct {
					name, chart string
					env, app    []string
					want        string
				}{
					{"an error of cnpg-pair", broken, hotStandby, nil, "cnpg-pair: error: stdin:"},
					{"strict", tenant, append(hotStandby[:2:2], "CNPG_PAIR_STRICT=true"), nil, "SOVEREIGN_REPLICA_REGION is empty"},
					{"an error of helm", tenant, hotStandby, []string{"PARAM_VALUES=database: ["}, "failed to parse"},
				} {
					stdout, stderr, err := generate(c.chart, c.env, c.app)
					if err == nil || stdout != "" || !strings.Contains(stderr, c.want) {
						t.Errorf("%s: %v\n%s\n%s", c.name, err, stderr, stdout)
					}
				}
				if _, stderr, err := generate(none, hotStandby, nil); way == "Argo CD" && (err == nil || !strings.Contains(stderr, "does not know this kind")) {
					t.Errorf("a chart without a Cluster is taken: %v %s", err, stderr)
				}
			})
		}
		for dir, want := range map[string]bool{tenant: true, none: false, folder: false} {
			stdout, stderr, err := plugin.Spec.Discover.Find.run(sidecar, dir)
			if err != nil || (stdout != "") != want {
				t.Errorf("discover in %s: %v %s%s", dir, err, stdout, stderr)
			}
		}
	}
	evidence(t, "manifests from the config management plugin", "Helm 3 and Helm 4, %s, as from the filter", ways)
}

// TestArgoCDInstall builds the component on a Deployment that stands for Argo CD's,
// and reads the plugin back out of the ConfigMap that the sidecar mounts.
func TestArgoCDInstall(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "component"), os.DirFS(argocdExample)); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "argocd/kustomization.yaml"), []byte("namespace: argocd\nresources: [install.yaml]\ncomponents: [../component]\n"))
	write(t, filepath.Join(dir, "argocd/install.yaml"), []byte(`apiVersion: apps/v1
kind: Deployment
metadata: {name: argocd-repo-server}
spec:
  template:
    spec:
      containers:
      - name: argocd-repo-server
        image: argocd
      volumes:
      - name: var-files
        emptyDir: {}
      - name: plugins
        emptyDir: {}
`))
	out, stderr, err := run(nil, "", tool(t, "kustomize"), "build", filepath.Join(dir, "argocd"))
	if err != nil {
		t.Fatal(stderr)
	}
	config, err := os.ReadFile(filepath.Join(argocdExample, "plugin.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var deployment struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct {
						Name         string
						VolumeMounts []struct{ Name string }
					}
					Volumes []struct {
						Name      string
						ConfigMap struct{ Name string }
					}
				}
			}
		}
	}
	var configMap struct {
		Metadata struct{ Name string }
		Data     map[string]string
	}
	for _, document := range strings.Split(out, "\n---\n") {
		var into any = &deployment
		if strings.Contains(document, "kind: ConfigMap") {
			into = &configMap
		}
		if err := yaml.Unmarshal([]byte(document), into); err != nil {
			t.Fatal(err)
		}
	}
	if configMap.Data["plugin.yaml"] != string(config) {
		t.Errorf("not the plugin:\n%s", out)
	}
	pod := deployment.Spec.Template.Spec
	var volumes []string
	for _, volume := range pod.Volumes {
		volumes = append(volumes, volume.Name)
		if volume.Name == "cnpg-pair" && volume.ConfigMap.Name != configMap.Metadata.Name {
			t.Errorf("the sidecar mounts %q, not %q", volume.ConfigMap.Name, configMap.Metadata.Name)
		}
	}
	if len(pod.Containers) != 2 {
		t.Errorf("%d containers", len(pod.Containers))
	}
	for _, container := range pod.Containers {
		for _, mount := range container.VolumeMounts {
			if !slices.Contains(volumes, mount.Name) {
				t.Errorf("%s mounts %s, which is no volume", container.Name, mount.Name)
			}
		}
	}
}
