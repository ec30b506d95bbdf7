package postrender_test

import (
	helmpostrender "helm.sh/helm/v3/pkg/postrender"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// A Renderer is what Helm 3 takes for a post-renderer. For Helm 4, whose
// interface has the same method, e2e asserts it.
var _ helmpostrender.PostRenderer = (*postrender.Renderer)(nil)
