"""The four kinds of patch."""
