package postrender

// AnnotationPin on a Cluster says which halves are bound to their regions by
// node affinity: both, or, as "replica", that one only, so that the Pods of a
// living primary need not restart.
const AnnotationPin = "cnpg-pair.openova.io/pin"

// pinsPrimary reads [AnnotationPin].
func (c *cluster) pinsPrimary() bool {
	annotations, _ := mappingAt(c.tree, "metadata.annotations")
	return scalar(annotations, AnnotationPin) != SideReplica
}

// isPinnedOddly finds an annotation that says nothing.
func (c *candidate) isPinnedOddly(Config, *stream) (*verdict, error) {
	annotations, err := mappingAt(c.tree, "metadata.annotations")
	switch value := scalar(annotations, AnnotationPin); value {
	case "", SideBoth, SideReplica:
		return nil, err
	default:
		return cannot("write both or replica, or remove it", "its annotation %s has the unknown word %q", AnnotationPin, value), err
	}
}
