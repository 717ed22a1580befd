"""Turning HTTP verbs into calls of the registry, and its answers into bodies."""
