package flux

import (
	"os"
	"testing"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// TestExampleIsFresh does what examples/flux tells CI to do, with the Helm
// library in the place of helm template.
func TestExampleIsFresh(t *testing.T) {
	chart, err := loader.Load("../examples/tenant")
	if err != nil {
		t.Fatal(err)
	}
	install := action.NewInstall(&action.Configuration{})
	install.ReleaseName, install.Namespace = "blog", "blog"
	install.DryRun, install.ClientOnly = true, true
	rendered, err := install.Run(chart, nil)
	if err != nil {
		t.Fatal(err)
	}
	const name = "../examples/flux/tenants/blog.yaml"
	release, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	g := &Generator{Substitute: true}
	if err := g.Check(postrender.Source{Name: name, Data: release}, source(rendered.Manifest)); err != nil {
		t.Errorf("%v (%s)", err, message.Hint(err))
	}
}
