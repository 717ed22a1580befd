"""Kubernetes' own documentation, asked of a server: variants of its examples, and its pages if there is a copy.

- ``questions.yaml``  by page and heading, what its sentences claim, as requests of our own
- ``variants``        asks them
- ``pages``           reads a copy of the pages; ``make pages WEBSITE=DIR`` applies their manifests
"""
