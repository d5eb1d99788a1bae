package pgtest

// Dir returns where the cluster is kept.
func (c *Cluster) Dir() string { return c.dir }
