"""The kind backend: a real cluster in Docker."""
