"""The registry: validation, defaulting and storage of objects of all kinds."""
