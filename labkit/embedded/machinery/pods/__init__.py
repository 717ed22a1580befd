"""What several components need to know of a pod: placement, resources, state."""
