"""The kinds that are served, and what is done to an object before it is stored."""
