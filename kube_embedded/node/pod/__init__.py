"""One pod on the node: its containers, volumes and status."""
