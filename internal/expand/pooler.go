package expand

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// PoolerAddress is the Service by which applications reach the Pooler of the member that
// takes writes. The guard knows by the Cluster where it leads.
func PoolerAddress(pooler *manifest.Pooler) *yaml.Node {
	return address(pooler.Cluster.Pair, pooler.Object, pooler.Address, func(writer topology.Member) *yaml.Node {
		name := pooler.Name
		if writer.Role == topology.Replica {
			name = pooler.Twin
		}
		return yamledit.Map(manifest.LabelCluster, writer.Name, manifest.LabelPooler, name)
	})
}

// PlaceTwin makes the Pods of a Pooler's twin run in the replica's region, where they are
// needed when the primary's is lost, and select their own where the Pooler's do, as the
// replica does.
func PlaceTwin(twin *yaml.Node, pooler *manifest.Pooler) error {
	const pod = "spec.template.spec"
	pair := pooler.Cluster.Pair
	if err := requireRegion(twin, pod+".nodeSelector", pod+".affinity."+nodeTerms, pair.RegionKey, pair.Primary.Region, pair.Replica.Region); err != nil {
		return err
	}
	spec := yamledit.MakeMapping(twin, pod)
	if yamledit.Get(spec, "containers") == nil { // the API wants it; the operator adds PgBouncer's
		yamledit.Set(spec, "containers", yamledit.List())
	}
	return selectTwin(Part{spec, pod}, pooler)
}

// selectTwin makes all label selectors in a part that name a Pooler select its twin.
func selectTwin(p Part, pooler *manifest.Pooler) error {
	if selector := yamledit.Get(p.Node, "labelSelector"); selector != nil {
		replace, err := labelReplacer(selector)
		if err != nil {
			return Part{selector, p.Path + ".labelSelector"}.locate(err)
		}
		replace(manifest.LabelPooler, pooler.Name, pooler.Twin)
		replace(manifest.LabelCluster, pooler.Cluster.Pair.Primary.Name, pooler.Cluster.Pair.Replica.Name)
	}
	for i, child := range p.Node.Content {
		within := Part{child, p.Path}
		switch {
		case p.Node.Kind == yaml.SequenceNode:
			within.Path += fmt.Sprintf("[%d]", i)
		case p.Node.Kind == yaml.MappingNode && i%2 == 1:
			within.Path += "." + p.Node.Content[i-1].Value
		}
		if err := selectTwin(within, pooler); err != nil {
			return err
		}
	}
	return nil
}

// namePoolers puts the Service of a Pooler into the server certificate, beside each name of
// the Pooler that the chart has there: PgBouncer shows applications this certificate.
func namePoolers(m *member) error {
	own, err := yamledit.SequenceAt(m.tree, pathAltNames)
	if own == nil {
		return err
	}
	for _, n := range slices.Clone(own.Content) {
		name, domain, _ := strings.Cut(n.Value, ".")
		for _, pooler := range m.poolers {
			if pooler.Address != "" && pooler.Name == name {
				nameInCertificate(m, strings.TrimSuffix(pooler.Address+"."+domain, "."))
			}
		}
	}
	return nil
}
