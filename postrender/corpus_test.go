package postrender_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	yamlv2 "go.yaml.in/yaml/v2"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// corpus names the modules that carry manifests of other people, each behind the
// folder of the module of this repository that builds with it, at its version.
var corpus = []string{
	".. github.com/cloudnative-pg/cloudnative-pg",
	".. helm.sh/helm/v3",
	".. k8s.io/kubectl",
	".. sigs.k8s.io/kustomize/api",
	".. sigs.k8s.io/kustomize/kyaml",
	"../e2e/build/helm helm.sh/helm/v4",
	"../e2e/build/flux github.com/fluxcd/helm-controller",
	"../e2e/build/flux github.com/fluxcd/kustomize-controller",
	"../e2e/build/flux github.com/fluxcd/source-controller",
	"../e2e/build/flux github.com/fluxcd/pkg/kustomize",
	"../e2e/build/flux github.com/goccy/go-yaml",
	"../e2e/build/cilium github.com/cilium/cilium",
	"../e2e/build/kubernetes k8s.io/kubernetes",
}

// TestCorpus sends every manifest of these modules through the renderer: YAML and
// JSON files, what is fenced in Markdown, and what their charts render. It prints
// what became of it, and is run by make corpus, because it needs the modules.
func TestCorpus(t *testing.T) {
	if os.Getenv("E2E") == "" {
		t.Skip("make corpus runs it")
	}
	reasons := make(map[string]int)
	var refused, unhosted []string
	hosted := 0
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "files\ttemplates\tcharts\tdocuments\tClusters\tpairs\tleft alone\trefused\t  module")
	for _, entry := range corpus {
		dir, module, _ := strings.Cut(entry, " ")
		t.Run(module, func(t *testing.T) {
			r := &corpusRun{reasons: reasons}
			root := moduleDir(t, dir, module)
			r.walk(t, root)
			refused = append(refused, r.errors...)
			hosted += r.hosted
			unhosted = append(unhosted, r.unhosted...)
			fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t  %s\n", r.files, r.templates, r.charts, r.documents,
				r.pairs+r.alone+len(r.errors), r.pairs, r.alone, len(r.errors), filepath.Base(filepath.Dir(root))+"/"+filepath.Base(root))
		})
	}
	w.Flush()
	fmt.Print(&table) // where the tests of one folder run, this is seen also when they pass
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		fmt.Printf("%d %s\n", reasons[reason], reason)
	}
	fmt.Printf("%d of the documents without a Cluster were put into one, which became a pair; %d could not be\n", hosted, len(unhosted))
	for _, one := range append(refused, unhosted...) {
		fmt.Println(one)
	}
}

// moduleDir is where a module is that another one asks for; it is fetched into the
// module cache where it is not there yet.
func moduleDir(t *testing.T, dir, module string) string {
	t.Helper()
	for _, args := range [][]string{{"mod", "download", module}, {"list", "-m", "-f", "{{with .Replace}}{{.Dir}}{{else}}{{.Dir}}{{end}}", module}} {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go %s: %v", strings.Join(args, " "), err)
		}
		if args[0] == "list" {
			return strings.TrimSpace(string(out))
		}
	}
	return ""
}

type corpusRun struct {
	files, templates, charts, documents int
	pairs, alone                        int
	errors                              []string
	hosted                              int
	unhosted                            []string
	reasons                             map[string]int
}

var fence = regexp.MustCompile("(?ms)^([ \t]*)```ya?ml[^\n]*\n(.*?)^[ \t]*```")

func (r *corpusRun) walk(t *testing.T, root string) {
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, _ := filepath.Rel(root, path)
		base := strings.TrimSuffix(filepath.Base(path), ".template")
		switch filepath.Ext(base) {
		case ".md":
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for i, found := range fence.FindAllSubmatch(text, -1) {
				indent, block := found[1], found[2]
				r.send(t, fmt.Sprintf("%s, block %d", name, i+1), bytes.ReplaceAll(append([]byte("\n"), block...), append([]byte("\n"), indent...), []byte("\n"))[1:])
			}
		case ".yaml", ".yml", ".json":
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if base == "Chart.yaml" {
				r.chart(t, filepath.Dir(name), filepath.Dir(path))
			}
			if bytes.Contains(text, []byte("{{")) {
				r.templates++
				return nil
			}
			r.send(t, name, text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// chart sends what Helm renders of a chart. Many of Helm's own are meant to fail.
func (r *corpusRun) chart(t *testing.T, name, dir string) {
	c, err := loader.Load(dir)
	if err != nil {
		return
	}
	if err := chartutil.ProcessDependencies(c, nil); err != nil {
		return
	}
	values, err := chartutil.ToRenderValues(c, nil, chartutil.ReleaseOptions{Name: "blog", Namespace: "blog", Revision: 1, IsInstall: true}, nil)
	if err != nil {
		return
	}
	rendered, err := engine.Render(c, values)
	if err != nil {
		return
	}
	r.charts++
	var stream bytes.Buffer
	for _, file := range slices.Sorted(maps.Keys(rendered)) {
		if strings.HasSuffix(file, ".yaml") || strings.HasSuffix(file, ".yml") {
			fmt.Fprintf(&stream, "---\n# Source: %s\n%s\n", file, rendered[file])
		}
	}
	r.send(t, "chart "+name, stream.Bytes())
}

var off = postrender.Config{PrimaryRegion: "fsn1", ReplicaRegion: "hel1"}

func (r *corpusRun) send(t *testing.T, name string, in []byte) {
	t.Helper()
	r.files++
	r.documents += 1 + bytes.Count(in, []byte("\n---"))
	if out, _, err := render(t, off, in); err != nil || !bytes.Equal(in, out) {
		t.Errorf("%s: with hot standby off something changed: %v", name, err)
	}
	out, decisions, err := render(t, cfg, in)
	if err != nil {
		for _, err := range message.Split(err) {
			var located *postrender.Error
			if !errors.As(err, &located) || located.Line == 0 || located.Object == "" || located.Hint() == "" {
				t.Errorf("%s: an error without line, object or hint: %v", name, err)
			}
			if !strings.Contains(name, ".md, block ") { // those are often cut short, with [...]
				t.Errorf("%s: %v", name, err)
			}
			r.errors = append(r.errors, fmt.Sprintf("%s: %v; %s", name, err, message.Hint(err)))
		}
		return
	}
	for _, d := range decisions {
		if d.Action == postrender.Paired {
			r.pairs++
		} else {
			r.alone++
			r.reasons[string(d.Action)+": "+d.Reason]++
		}
	}
	again, _, err := render(t, cfg, out)
	if err != nil || !bytes.Equal(again, out) {
		t.Errorf("%s: a second run changes something: %v", name, err)
	}
	if len(decisions) == 0 {
		if !bytes.Equal(in, out) {
			t.Errorf("%s: changed without a Cluster", name)
		}
		if len(in) < 1<<20 && !bytes.HasPrefix(in, []byte("\xef\xbb\xbf")) {
			passes(t, in)
		}
		r.host(t, name, in)
		return
	}
	t.Run(name, func(t *testing.T) { judgeStream(t, cfg, in, out, decisions) })
}

// host puts a document that holds no Cluster into the spec of one, under a key of
// its own: what a Cluster may be made of should not matter to its pair.
func (r *corpusRun) host(t *testing.T, name string, document []byte) {
	t.Helper()
	loneCR := bytes.Contains(bytes.ReplaceAll(document, []byte("\r\n"), nil), []byte("\r")) // would end a line that is not indented
	if loneCR || len(document) > 64<<10 || bytes.HasPrefix(document, []byte("%")) || regexp.MustCompile(`(?m)^(---|\.\.\.)`).Match(document) {
		return
	}
	indented := regexp.MustCompile(`(?m)^(.)`).ReplaceAll(document, []byte("    $1"))
	in := []byte("apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata:\n  name: host\nspec:\n  instances: 1\n  guest:\n" + string(indented))
	var guest any
	if yamlv2.Unmarshal(in, &guest) != nil {
		return
	}
	out, decisions, err := render(t, cfg, in)
	if err != nil {
		var located *postrender.Error
		if !errors.As(err, &located) || located.Line == 0 || located.Hint() == "" {
			t.Errorf("%s in a Cluster: an error without line or hint: %v", name, err)
		}
		r.unhosted = append(r.unhosted, fmt.Sprintf("%s in a Cluster: %v", name, err))
		return
	}
	r.hosted++
	t.Run("in a Cluster, "+name, func(t *testing.T) { judgeStream(t, cfg, in, out, decisions) })
	// a Cluster that could only be written whole has its values, but not its lines
	if lost := lostLine(string(in), string(out)); lost != "" && bytes.HasSuffix(in, []byte("\n")) {
		t.Errorf("%s in a Cluster: a line is gone: %q", name, lost)
	}
}
