"""Volumes, claims on them, and what provides them."""
