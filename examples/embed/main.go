// Command embed renders a chart by the Helm library, with cnpg-pair as its
// post-renderer, and prints what that changes as a diff. It needs no helm, and
// is the shortest program that does what an operator with Helm inside would do.
//
//	embed CHART
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// recorder is a post-renderer that keeps what it did.
type recorder struct {
	*postrender.Renderer
	result *postrender.Result
}

func (r *recorder) Run(rendered *bytes.Buffer) (*bytes.Buffer, error) {
	var err error
	if r.result, err = r.Render(postrender.Source{Name: "blog.yaml", Data: rendered.Bytes()}); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	_, err = r.result.WriteTo(&out)
	return &out, err
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: embed CHART")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Stdout, term.IsTerminal(int(os.Stdout.Fd()))); err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
		os.Exit(1)
	}
}

func run(path string, w io.Writer, colour bool) error {
	chart, err := loader.Load(path)
	if err != nil {
		return err
	}
	pair := &recorder{Renderer: postrender.New(postrender.Config{
		EnableHotStandby: true,
		PrimaryRegion:    "fsn1",
		ReplicaRegion:    "hel1",
	})}
	install := action.NewInstall(&action.Configuration{})
	install.ReleaseName, install.Namespace = "blog", "blog"
	install.DryRun, install.ClientOnly = true, true
	install.PostRenderer = pair
	if _, err := install.Run(chart, nil); err != nil {
		return err
	}

	fmt.Fprintf(w, "helm template blog %s, before and after cnpg-pair (primary in fsn1, replica in hel1):\n\n", path)
	if err := pair.result.WriteDiff(w, colour); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, d := range pair.result.Decisions {
		fmt.Fprintf(w, "Cluster %s, line %d: %s (%s)\n", strings.TrimPrefix(d.Namespace+"/"+d.Name, "/"), d.Line, d.Action, d.Text())
	}
	return nil
}
