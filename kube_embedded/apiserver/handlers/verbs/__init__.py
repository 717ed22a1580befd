"""The verbs of stored objects."""
