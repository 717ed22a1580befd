"""The lists that make a cluster of its parts; ``cluster.py`` puts them together."""
