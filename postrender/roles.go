package postrender

import "go.yaml.in/yaml/v3"

// change returns what becomes of the Cluster in a pair.
func (c *candidate) change(cfg Config) (change, error) {
	primary, err := c.primaryTree(cfg)
	if err != nil {
		return change{}, c.fail(err)
	}
	replica, err := c.replicaTree(cfg)
	if err != nil {
		return change{}, c.fail(err)
	}
	return change{primary, []*yaml.Node{replica}}, nil
}
