"""One pod on the node: its containers, volumes, probes, hooks and status."""
