package manifest

import "cmp"

// LabelPooler is on every Pod of a Pooler.
const LabelPooler = "cnpg.io/poolerName"

// Pooler is a Pooler of a Cluster that is paired.
type Pooler struct {
	*Object
	Cluster *Cluster
	Writes  bool // applications write through it

	// Twin is the Pooler that does the same for the replica, and Address the Service that
	// leads to that of the member which takes writes; empty where there are none.
	Twin, Address string
}

// KnownNamespace is its namespace, or that of its Cluster where it is left out.
func (p *Pooler) KnownNamespace() string { return cmp.Or(p.Namespace, p.Cluster.Namespace) }
