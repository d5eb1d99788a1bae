package node

import "context"

// Rebuild folds every read model anew and returns the tables that were not what
// the log says, once they had caught up with it.
func (n *Node) Rebuild(ctx context.Context) ([]string, error) {
	if err := n.Views.CatchUp(ctx); err != nil {
		return nil, err
	}
	before, err := n.Views.Digest(ctx)
	if err != nil {
		return nil, err
	}
	if err := n.Views.Rebuild(ctx); err != nil {
		return nil, err
	}
	after, err := n.Views.Digest(ctx)
	if err != nil {
		return nil, err
	}
	var differ []string
	for i := range before {
		if before[i] != after[i] {
			differ = append(differ, before[i].Table)
		}
	}
	return differ, nil
}
