// Command overlay is the smallest tenant overlay writer: it prints the
// HelmRelease of a tenant's blog, as a platform writes it into Git. With a valid
// settings in the environment the blog's database becomes a pair in two regions;
// the chart, which the platform may not even have at hand, does not change.
//
//	overlay TENANT
package main

import (
	"fmt"
	"os"

	"github.com/openova-io/helm-cnpg-pair/flux"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: overlay TENANT")
		os.Exit(2)
	}
	warn := func(err error) { fmt.Fprintln(os.Stderr, "overlay: warning:", err) }
	text, err := overlay(os.Args[1], os.Getenv, warn)
	if err != nil {
		fmt.Fprintln(os.Stderr, "overlay:", err)
		os.Exit(1)
	}
	os.Stdout.Write(text)
}

const blog = `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: blog
  namespace: %[1]s
spec:
  interval: 10m
  chart:
    spec:
      chart: bp-wordpress-tenant
      sourceRef:
        kind: HelmRepository
        name: blueprints
        namespace: flux-system
  values:
    host: %[1]s.example.com # the tenant may change it
`

// overlay returns the HelmRelease of a tenant. The chart calls its Cluster
// RELEASE-db, and its database and owner wordpress; that is all that need be
// known of it, as long as it sets no affinity and no lists that the pair needs.
func overlay(tenant string, getenv func(string) string, warn func(error)) ([]byte, error) {
	cfg, err := postrender.ConfigFromEnv(getenv)
	if err != nil {
		return nil, err
	}
	generator := &flux.Generator{Config: cfg, Warn: warn}
	release := postrender.Source{Name: tenant, Data: fmt.Appendf(nil, blog, tenant)}
	return generator.HelmRelease(release, flux.Cluster("blog-db", "wordpress", "wordpress"))
}
