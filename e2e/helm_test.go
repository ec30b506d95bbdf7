package e2e

import (
	"helm.sh/helm/v4/pkg/postrenderer"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// A Renderer is what Helm 4 takes for a post-renderer.
var _ postrenderer.PostRenderer = (*postrender.Renderer)(nil)
