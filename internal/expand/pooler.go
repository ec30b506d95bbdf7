package expand

import (
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
