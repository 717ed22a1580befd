"""Properties of pods that several components need: placement, resources, state."""
